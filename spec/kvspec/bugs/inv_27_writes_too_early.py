"""KV-INV-27: a copy does not wait for those that still read its target."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.copies import Moment, OrderedCopies, Slot, Stage, Stream, Work


class NoWaitForReaders(OrderedCopies):
    """Pending reads are not kept, as when only offloads were remembered, by block."""

    @action
    def copy(self, w: Work, st: Stream, source: Slot, target: Slot) -> None:
        "A copy waits for pending writes of its source and its target."
        require("the work is new", self.moment[w] == Moment.NEW)
        require("a step has begun", self.stage == Stage.COPYING)
        for u in Work:
            if self.stream_so_far[st][u] or self.writes[source][u] or self.writes[target][u]:
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


BUG = Bug(
    id="inv-27-writes-too-early",
    row="KV-INV-27",
    design="copies",
    machine=NoWaitForReaders,
    source="TensorRT-LLM transfer manager before PR #9056: no write-after-read order",
    sentence="A copy overwrites a slot that an earlier copy on the other stream still reads.",
    breaks=(
        "conflicts_are_ordered",
        "target_is_unused",
    ),
    sizes={"W": 2, "S": 3},
)
