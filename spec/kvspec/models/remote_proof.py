"""What makes the facts of `remote` inductive: where its threads stand, and what they keep there.

It decides nothing about the design, which is in `remote`; wrong designs are variants of that one
and carry none of these lemmas. The idea: each lemma says what one thread may rely on between two
of its steps, whatever the others do meanwhile.
"""

from __future__ import annotations

from kvspec.lang import assume, lemma
from kvspec.lang.standing import at, kept
from kvspec.models.remote import REFS, Block, Level, Reader, SharedPool, Stream


class ProvedPool(SharedPool):
    """One lock over blocks, queues and counts; a second look after each copy; one order of steps.

    The lemmas that prove it; the design itself, with its atomicity table, is `SharedPool`.
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
