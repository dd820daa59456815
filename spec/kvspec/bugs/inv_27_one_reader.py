"""KV-INV-27: only the latest reader of a slot is remembered."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.copies import Moment, OrderedCopies, Slot, Stage, Stream, Work


class OneReaderRemembered(OrderedCopies):
    """The pending read of a slot is replaced, not joined, by the next one's."""

    @action
    def copy(self, w: Work, st: Stream, source: Slot, target: Slot) -> None:
        "A copy waits as it should, and its read replaces the one that was pending."
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
                self.reads[source][u] = False


BUG = Bug(
    id="inv-27-one-reader",
    row="KV-INV-27",
    design="copies",
    machine=OneReaderRemembered,
    source="TensorRT-LLM mPendingReads holds one event a slot (trtllm H-RAR)",
    sentence="Two copies read a slot on two streams; the next write waits for one of them only.",
    breaks=(
        "entries_outlive_their_need",
        "conflicts_are_ordered",
        "target_is_unused",
    ),
    sizes={"W": 3, "S": 3},
)
