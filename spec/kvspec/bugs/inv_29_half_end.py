"""KV-INV-29: compute waits for the onboard stream only, and all entries are forgotten."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.copies import Moment, OrderedCopies, Stage, Stream, Work


class ComputeAwaitsOnboardOnly(OrderedCopies):
    """The offload stream's copies are neither awaited nor remembered."""

    @action
    def end_step(self, w: Work) -> None:
        "Compute waits for the onboard stream, the entries are forgotten, and compute is launched."
        require("the work is new", self.moment[w] == Moment.NEW)
        for u in Work:
            if self.stream_so_far[Stream.ONBOARD][u]:
                self.compute_so_far[u] = True
        self.forget_entries()
        for u in Work:
            if self.compute_so_far[u]:
                self.after[w][u] = True
        self.enqueue(w)
        self.compute_so_far[w] = True
        self.stage = Stage.BETWEEN


BUG = Bug(
    id="inv-29-half-end",
    row="KV-INV-29",
    design="copies",
    machine=ComputeAwaitsOnboardOnly,
    source="TensorRT-LLM syncTransfers, one of its two waits left out",
    sentence="Compute overwrites a slot that an offload still reads, and nothing remembers the "
    "offload.",
    breaks=(
        "entries_outlive_their_need",
        "compute_is_remembered",
        "conflicts_are_ordered",
        "steps_take_turns",
    ),
    sizes={"W": 2, "S": 2},
)
