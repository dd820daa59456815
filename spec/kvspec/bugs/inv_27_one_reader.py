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
                u in self.stream_so_far[st]
                or u in self.writes[source]
                or u in self.writes[target]
                or u in self.reads[target]
            ):
                self.after[w].add(u)
        self.is_copy[w] = True
        self.src[w] = source
        self.dst[w] = target
        self.enqueue(w)
        for u in Work:
            if u == w or u in self.after[w]:
                self.stream_so_far[st].add(u)
                self.reads[source].add(u)
                self.writes[target].add(u)
            else:
                self.reads[source].discard(u)


BUG = Bug(
    id="inv-27-one-reader",
    row="KV-INV-27",
    design="copies",
    machine=OneReaderRemembered,
    source="TensorRT-LLM mPendingReads holds one event a slot (trtllm H-RAR)",
    sentence="Two copies read a slot on two streams; the next write waits for one of them only.",
    breaks=(
        "entries_outlive_their_need",
        "target_is_unused",
    ),
    sizes={"W": 3, "S": 3},
)
