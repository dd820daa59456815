"""KV-042: what a copy uses is noted by the slot's number in its level, without the level."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import Constant, Model, action, require
from kvspec.models.copies import Moment, OrderedCopies, Slot, Stage, Stream, Work


class LevelLeftOut(OrderedCopies):
    """Half of the slots are device memory; two of one number share one note of who reads
    them, and one of who writes them.

    A slot is read on one stream only, so its own note may be replaced by the next; that of two
    slots may not.
    """

    other: Constant[Slot, Slot]
    "The slot of the other level that has the same number."

    @classmethod
    def instance(cls, *, W: int = 3, S: int = 4) -> Model:
        """W works over S slots, the first half of them in device memory."""
        half = (S + 1) // 2
        others = [s + half if s + half < S else s - half if s >= half else s for s in range(S)]
        return cls.trace(sizes={"Work": W, "Slot": S}, constants={"other": others})

    @action
    def copy(self, w: Work, st: Stream, source: Slot, target: Slot) -> None:
        "A copy waits as it should, and its note replaces that of the other level's slot."
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
            else:
                self.forget_twin(source, target, u)

    def forget_twin(self, source: Slot, target: Slot, u: Work) -> None:
        if self.other[source] != source:
            self.reads[self.other[source]][u] = False
        if self.other[target] != target:
            self.writes[self.other[target]][u] = False


BUG = Bug(
    id="kv-042",
    row="KV-042",
    design="copies",
    machine=LevelLeftOut,
    source="TensorRT-LLM PR #15272: pending reads and writes were kept by index, without the pool",
    sentence="A read of a host slot replaces that of a device slot, which is written too early.",
    breaks=(
        "entries_outlive_their_need",
        "conflicts_are_ordered",
        "source_is_written",
        "target_is_unused",
    ),
    sizes={"W": 3, "S": 4},
)
