"""What makes the facts of `remote` inductive and its promises provable: where its threads stand.

It decides nothing about the design, which is in `remote`; wrong designs are variants of that one
and carry none of these lemmas. The idea: each lemma says what one thread may rely on between two
of its steps, whatever the others do meanwhile, and each measure how many steps are left. A promise
stands here again, as it is there, to name its measure.
"""

from __future__ import annotations

from kvspec.lang import assume, eventually, lemma, require
from kvspec.lang.standing import at, kept
from kvspec.models.remote import REFS, Block, Job, Level, Reader, SharedPool, Stream


class ProvedPool(SharedPool):
    """One lock over blocks, queues and counts; a second look after each copy; one order of steps.

    What proves it: lemmas and measures. The design itself, with its atomicity table, is
    `SharedPool`.
    """

    @assume
    def homes_distinct(self) -> bool:
        "Every block starts in a slot of its own."
        return all(self.home[a] != self.home[b] for a in Block for b in Block if a != b)

    @assume
    def a_reference_fits(self) -> bool:
        "The reference counter can count to one."
        return REFS >= 1

    # ---- what moves, and where the scheduler stands with it

    def goes_down(self) -> bool:
        return at(self.scheduler(), "claimed", "sent", "swapped")

    def moves(self) -> bool:
        return self.goes_down() or at(self.scheduler(), "matched", "coming", "came")

    def moved(self) -> Block:
        return kept(self.scheduler(), "block", Block)

    def counterpart(self) -> Block:
        if self.goes_down():
            return kept(self.scheduler(), "spare", Block)
        return kept(self.scheduler(), "room", Block)

    # ---- what each step relies on

    @lemma
    def slots_distinct(self) -> bool:
        "No two blocks have one slot."
        return all(self.slot[a] != self.slot[b] for a in Block for b in Block if a != b)

    @lemma
    def unreferenced_is_queued(self) -> bool:
        "A block without a reference is queued, also while the scheduler has a job."
        return all(self.refs[b] > 0 or self.is_queued(b) for b in Block)

    @lemma
    def in_hand_is_what_moves(self) -> bool:
        "The scheduler has in hand the block that it moves and its counterpart, and no other."
        return all(
            self.in_hand[b] == (self.moves() and (b == self.moved() or b == self.counterpart()))
            for b in Block
        )

    @lemma
    def in_hand_is_in_no_table(self) -> bool:
        "What the scheduler has in hand is in no table."
        return all(not self.in_hand[b] or not self.in_table[b] for b in Block)

    @lemma
    def moves_between_levels(self) -> bool:
        "What moves is primary before it goes down and once it came, its counterpart is not."
        is_primary = at(self.scheduler(), "claimed", "sent", "came")
        return not self.moves() or (
            self.level_of(self.moved()) == (Level.PRIMARY if is_primary else Level.SECONDARY)
            and self.level_of(self.counterpart())
            == (Level.SECONDARY if is_primary else Level.PRIMARY)
        )

    @lemma
    def nobody_finds_the_counterpart(self) -> bool:
        "Until the swap, the counterpart is the scheduler's alone and caches nothing."
        return not at(self.scheduler(), "claimed", "sent", "matched", "coming") or (
            self.refs[self.counterpart()] == 1 and not self.cached[self.counterpart()]
        )

    @lemma
    def readers_have_what_they_pinned(self) -> bool:
        "From its pin to its unpin a reader has the block that it was asked for, and only then."
        return all(
            self.has[r] == at(self.reader(r), "pinned", "reads")
            and self.reads[r] == at(self.reader(r), "reads")
            and (
                not at(self.reader(r), "pinned", "reads")
                or (self.wants[r] and kept(self.reader(r), "block", Block) == self.wanted[r])
            )
            for r in Reader
        )

    @lemma
    def writes_are_noted(self) -> bool:
        "The target of a copy in flight is noted."
        return all(not self.flying[c] or self.noted[self.target[c]] for c in Stream)

    # ---- what the promises rely on

    def holds_lock(self) -> bool:
        return at(self.scheduler(), "swapped", "came")

    @lemma
    def held_from_swap_to_entry(self) -> bool:
        "Between two steps, the lock is held by the scheduler that has swapped, and by nobody else."
        return self.locked == self.holds_lock()

    @lemma
    def the_scheduler_goes_on(self) -> bool:
        "The scheduler never comes to its end."
        return not at(self.scheduler(), "done")

    # ---- how far off what must come is

    @eventually(
        id="KV-LIV-01",
        why="S3.7: a pin that is never given back keeps its slot for ever",
        strong=("reader",),
        weak=("scheduler", "complete"),
        measure=("has_not_begun", "waits_for_write"),
        relies_on="the_lock_comes_free",
    )
    def every_pin_comes_back(self, r: Reader) -> bool:
        "What a reader has it gives back."
        require("the reader has a block", self.has[r])
        return not self.has[r]

    def has_not_begun(self, r: Reader) -> bool:
        "Whether the reader has not begun to read"
        return not self.reads[r]

    def waits_for_write(self, r: Reader) -> bool:
        "Whether the slot that it was told is still written"
        return self.noted[self.told[r]]

    @eventually(
        id="KV-LIV-02",
        why="S3.7: a scheduler that waits for a reader for ever stops the engine",
        weak=("scheduler", "complete"),
        measure=("steps_left", "copies_in_flight"),
    )
    def every_job_ends(self) -> bool:
        "A job that the scheduler was given ends."
        require("there is a job", self.job != Job.NONE)
        return self.job == Job.NONE

    def steps_left(self) -> int:
        "Steps of the scheduler to the last one of its job"
        if at(self.scheduler(), "start", "idle"):
            return 3
        if at(self.scheduler(), "claimed", "matched"):
            return 2
        return 1 if at(self.scheduler(), "sent", "coming") else 0

    def copies_in_flight(self) -> int:
        "Copies in flight"
        return sum(1 for c in Stream if self.flying[c])

    @eventually(
        id="KV-LIV-03",
        why="S3.7: whoever waits for a lock that is kept waits for ever, however fair it is",
        weak=("scheduler",),
        measure=("is_held",),
    )
    def the_lock_comes_free(self) -> bool:
        "A lock that is held is let go of."
        require("the lock is held", self.locked)
        return not self.locked

    def is_held(self) -> bool:
        "Whether the lock is held"
        return self.locked
