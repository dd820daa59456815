"""The order of copies: three moments of each, two copy streams, the compute stream and two syncs.

It decides when a copy may touch bytes; which block owns a slot is `tiers`'s concern. The idea: an
event is the set of works that are complete once it fires, and a stream is the event of everything
enqueued on it so far; so waiting is a union of sets, and an order that nobody wrote down is a race.
"""

from __future__ import annotations

from enum import Enum

from kvspec.lang import (
    Ghost,
    Machine,
    Map,
    Model,
    Sort,
    Strength,
    action,
    goal,
    init,
    invariant,
    lemma,
    require,
    terminal,
)


class Work(Sort):
    "A copy or a compute step; each is enqueued at most once in a run."


class Slot(Sort):
    "A place in memory, of either level."


class Stream(Enum):
    "The stream of copies to the device and the stream of copies to the host."

    ONBOARD = 0
    OFFLOAD = 1


class Moment(Enum):
    "What has become of a work: enqueued by the host, executing on the device, complete."

    NEW = 0
    ENQUEUED = 1
    EXECUTING = 2
    COMPLETE = 3


class Stage(Enum):
    "Where the host is: before the copies of a step, or among them."

    BETWEEN = 0
    COPYING = 1


class OrderedCopies(Machine):
    """No copy touches bytes that an earlier copy or compute step still needs or still makes.

    Works are never used twice, so a run has as many as the instance; since a work says nothing but
    which one it is, a proof for every number of works is a proof for runs of every length.
    `earlier` is a ghost: the works that the host had enqueued when it enqueued this one.

    Atomicity: the host enqueues from one thread; the device starts and finishes works by itself.

    | action     | linearisation point in the code                       | made atomic by     |
    | begin_step | syncWithBufferManager: both copy streams wait         | scheduler thread   |
    | copy       | onboard, offload: waits, the copy, its event, entries | scheduler thread   |
    | end_step   | syncTransfers, then the launch of compute             | scheduler thread   |
    | start      | the device takes a work whose waits are over          | the stream's order |
    | finish     | the work's event fires                                | the device         |
    """

    moment: Map[Work, Moment]
    is_copy: Map[Work, bool]
    src: Map[Work, Slot]
    dst: Map[Work, Slot]
    after: Map[Work, Map[Work, bool]]
    stage: Stage
    stream_so_far: Map[Stream, Map[Work, bool]]
    compute_so_far: Map[Work, bool]
    reads: Map[Slot, Map[Work, bool]]
    writes: Map[Slot, Map[Work, bool]]
    earlier: Ghost[Map[Work, Map[Work, bool]]]

    @classmethod
    def instance(cls, *, W: int = 3, S: int = 2) -> Model:
        """W works, copies and compute steps together, over S slots."""
        return cls.trace(sizes={"Work": W, "Slot": S})

    @init
    def nothing_yet(self) -> None:
        "Nothing is enqueued."
        self.stage = Stage.BETWEEN

    # ---- vocabulary

    def has_started(self, w: Work) -> bool:
        return self.moment[w] == Moment.EXECUTING or self.moment[w] == Moment.COMPLETE

    def is_sent_copy(self, w: Work) -> bool:
        return self.is_copy[w] and self.moment[w] != Moment.NEW

    def is_ordered(self, w: Work) -> bool:
        return self.compute_so_far[w] and (
            self.stage == Stage.BETWEEN or all(self.stream_so_far[st][w] for st in Stream)
        )

    # ---- building blocks

    def enqueue(self, w: Work) -> None:
        for u in Work:
            if self.moment[u] != Moment.NEW:
                self.earlier[w][u] = True
        self.moment[w] = Moment.ENQUEUED

    def forget_entries(self) -> None:
        for s in Slot:
            for u in Work:
                self.reads[s][u] = False
                self.writes[s][u] = False

    # ---- the host

    @action
    def begin_step(self) -> None:
        "Both copy streams wait for the compute so far, and the pending entries are forgotten."
        require("the copies of the last step are ordered", self.stage == Stage.BETWEEN)
        for u in Work:
            if self.compute_so_far[u]:
                self.stream_so_far[Stream.ONBOARD][u] = True
                self.stream_so_far[Stream.OFFLOAD][u] = True
        self.forget_entries()
        self.stage = Stage.COPYING

    @action
    def copy(self, w: Work, st: Stream, source: Slot, target: Slot) -> None:
        "A copy waits for pending writes of its source and for all pending uses of its target."
        require("the work is new", self.moment[w] == Moment.NEW)
        require("a step has begun", self.stage == Stage.COPYING)
        for u in Work:
            if (
                self.stream_so_far[st][u]
                or self.writes[source][u]
                or self.writes[target][u]
                or self.reads[target][u]
            ):
                self.after[w][u] = True
        self.is_copy[w] = True
        self.src[w] = source
        self.dst[w] = target
        self.enqueue(w)
        for u in Work:
            if u == w or self.after[w][u]:
                self.stream_so_far[st][u] = True
                self.reads[source][u] = True
                self.writes[target][u] = True

    @action
    def end_step(self, w: Work) -> None:
        "Compute waits for both copy streams, the entries are forgotten, and compute is launched."
        require("the work is new", self.moment[w] == Moment.NEW)
        for u in Work:
            if self.stream_so_far[Stream.ONBOARD][u] or self.stream_so_far[Stream.OFFLOAD][u]:
                self.compute_so_far[u] = True
        self.forget_entries()
        for u in Work:
            if self.compute_so_far[u]:
                self.after[w][u] = True
        self.enqueue(w)
        self.compute_so_far[w] = True
        self.stage = Stage.BETWEEN

    # ---- the device

    @action
    def start(self, w: Work) -> None:
        "The device begins a work once everything that it comes after is complete."
        require("it is enqueued", self.moment[w] == Moment.ENQUEUED)
        require(
            "its waits are over",
            all(self.moment[u] == Moment.COMPLETE for u in Work if self.after[w][u]),
        )
        self.moment[w] = Moment.EXECUTING

    @action
    def finish(self, w: Work) -> None:
        "The device is done with a work."
        require("it is executing", self.moment[w] == Moment.EXECUTING)
        self.moment[w] = Moment.COMPLETE

    # ---- what must always hold

    @invariant(
        id="KV-INV-26",
        why="TensorRT-LLM #9056: a copy read a slot before the copy into it was complete",
        strength=Strength.EVERY_SIZE,
    )
    def source_is_written(self) -> bool:
        "A copy reads its source only after every earlier copy into that slot is complete."
        return all(
            self.moment[u] == Moment.COMPLETE
            for w in Work
            for u in Work
            if self.earlier[w][u]
            if self.is_copy[w] and self.has_started(w)
            if self.is_copy[u] and self.dst[u] == self.src[w]
        )

    @invariant(
        id="KV-INV-27",
        why="TensorRT-LLM #9056 and #15272: a slot was written while an earlier copy used it",
        strength=Strength.EVERY_SIZE,
    )
    def target_is_unused(self) -> bool:
        "A copy writes its target only after every earlier use of that slot is complete."
        return all(
            self.moment[u] == Moment.COMPLETE
            for w in Work
            for u in Work
            if self.earlier[w][u]
            if self.is_copy[w] and self.has_started(w)
            if self.is_copy[u] and (self.src[u] == self.dst[w] or self.dst[u] == self.dst[w])
        )

    @invariant(
        id="KV-INV-28",
        why="TensorRT-LLM #15349: the copies were ordered against another stream than compute's",
        strength=Strength.EVERY_SIZE,
    )
    def steps_take_turns(self) -> bool:
        "Compute starts after all earlier copies, and a copy after all earlier compute."
        return all(
            self.moment[u] == Moment.COMPLETE
            for w in Work
            for u in Work
            if self.earlier[w][u]
            if self.has_started(w) and self.is_copy[u] != self.is_copy[w]
        )

    @invariant(
        id="KV-INV-29",
        why="TensorRT-LLM #16913: a sync in mid-step dropped what later copies had to wait for",
        strength=Strength.EVERY_SIZE,
    )
    def entries_outlive_their_need(self) -> bool:
        "A copy's entries stand until everything that comes next on any stream comes after it."
        return all(
            self.is_ordered(u) or (self.reads[self.src[u]][u] and self.writes[self.dst[u]][u])
            for u in Work
            if self.is_sent_copy(u)
        )

    @lemma
    def conflicts_are_ordered(self) -> bool:
        "Of two works that must not overlap, the one enqueued later comes after the other."
        return all(
            self.after[w][u]
            for w in Work
            for u in Work
            if self.earlier[w][u]
            if self.is_copy[u] != self.is_copy[w]
            or (
                self.is_copy[w]
                and (
                    self.dst[u] == self.src[w]
                    or self.src[u] == self.dst[w]
                    or self.dst[u] == self.dst[w]
                )
            )
        )

    @lemma
    def compute_is_remembered(self) -> bool:
        "A compute step is in the compute stream, and between steps every work is."
        return all(
            self.compute_so_far[u]
            for u in Work
            if self.moment[u] != Moment.NEW
            if self.stage == Stage.BETWEEN or not self.is_copy[u]
        )

    @lemma
    def copies_are_remembered(self) -> bool:
        "A copy is in the copy stream it was enqueued on."
        return all(
            any(self.stream_so_far[st][u] for st in Stream) for u in Work if self.is_sent_copy(u)
        )

    @lemma
    def steps_begin_after_compute(self) -> bool:
        "Among the copies of a step, both copy streams come after all compute."
        return self.stage == Stage.BETWEEN or all(
            self.stream_so_far[st][u] for u in Work if self.compute_so_far[u] for st in Stream
        )

    @lemma
    def new_is_no_copy(self) -> bool:
        "A work that is not enqueued is not called a copy."
        return all(not self.is_copy[w] or self.moment[w] != Moment.NEW for w in Work)

    @lemma
    def earlier_is_sent(self) -> bool:
        "What was enqueued earlier than a work is enqueued."
        return all(self.moment[u] != Moment.NEW for w in Work for u in Work if self.earlier[w][u])

    # ---- what must be possible

    @goal
    def two_copies_at_once(self) -> bool:
        "Two copies execute at the same time."
        return any(
            a != b
            and self.is_copy[a]
            and self.is_copy[b]
            and self.moment[a] == Moment.EXECUTING
            and self.moment[b] == Moment.EXECUTING
            for a in Work
            for b in Work
        )

    @goal
    def host_runs_ahead(self) -> bool:
        "A copy of the next step is enqueued before the compute of this one has started."
        return any(
            self.is_sent_copy(w) and self.moment[u] == Moment.ENQUEUED
            for w in Work
            for u in Work
            if self.compute_so_far[u]
            if not self.is_copy[u] and self.after[w][u]
        )

    @terminal
    def all_works_done(self) -> bool:
        "Every work of the instance is complete."
        return all(self.moment[w] == Moment.COMPLETE for w in Work)
