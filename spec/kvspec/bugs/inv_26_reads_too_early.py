"""KV-INV-26: a copy does not wait for the copy that brings its source."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.copies import Moment, OrderedCopies, Slot, Stage, Stream, Work


class NoWaitForTheSource(OrderedCopies):
    """Pending writes of the source are not looked at."""

    @action
    def copy(self, w: Work, st: Stream, source: Slot, target: Slot) -> None:
        "A copy waits for all pending uses of its target only."
        require("the work is new", self.moment[w] == Moment.NEW)
        require("a step has begun", self.stage == Stage.COPYING)
        for u in Work:
            if self.stream_so_far[st][u] or self.writes[target][u] or self.reads[target][u]:
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
    id="inv-26-reads-too-early",
    row="KV-INV-26",
    design="copies",
    machine=NoWaitForTheSource,
    source="TensorRT-LLM transfer manager before PR #9056",
    sentence="A copy reads a slot while an earlier copy on the other stream still writes it.",
    breaks=(
        "conflicts_are_ordered",
        "source_is_written",
    ),
    sizes={"W": 2, "S": 3},
)
