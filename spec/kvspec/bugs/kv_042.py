"""KV-042: what a copy uses is noted by the slot's number in its level, without the level."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import Constant, Model, action, require
from kvspec.models.copies import Moment, OrderedCopies, Slot, Stage, Stream, Work


class LevelLeftOut(OrderedCopies):
    """The first half of the slots is device memory, and two slots of one number share their notes.

    A copy goes to the other level, in the direction of its stream. So one stream alone reads a
    slot, and its note may be replaced by the next; that of two slots may not.
    """

    is_host: Constant[Slot, bool]
    twin: Constant[Slot, Slot]

    @classmethod
    def instance(cls, *, W: int = 3, S: int = 6) -> Model:
        """W works over S slots, half of them in device memory."""
        half = S // 2
        return cls.trace(
            sizes={"Work": W, "Slot": S},
            constants={
                "is_host": [s >= half for s in range(S)],
                "twin": [(s + half) % S for s in range(S)],
            },
        )

    @action
    def copy(self, w: Work, st: Stream, source: Slot, target: Slot) -> None:
        "A copy waits as it should, and its notes replace those of both slots of each number."
        require("the work is new", self.moment[w] == Moment.NEW)
        require("a step has begun", self.stage == Stage.COPYING)
        require(
            "it leaves host memory if it goes up", self.is_host[source] == (st == Stream.ONBOARD)
        )
        require("it changes the level", self.is_host[target] != self.is_host[source])
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
            is_covered = u == w or self.after[w][u]
            if is_covered:
                self.stream_so_far[st][u] = True
            self.reads[source][u] = is_covered
            self.reads[self.twin[source]][u] = is_covered
            self.writes[target][u] = is_covered
            self.writes[self.twin[target]][u] = is_covered


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
        "target_is_unused",
    ),
    sizes={"W": 3, "S": 6},
)
