"""KV-INV-28: compute is launched before its stream waits for the copies."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.copies import Moment, OrderedCopies, Stage, Stream, Work


class ComputeDoesNotWait(OrderedCopies):
    """The wait comes after the launch."""

    @action
    def end_step(self, w: Work) -> None:
        "Compute is launched, and then its stream waits for both copy streams."
        require("the work is new", self.moment[w] == Moment.NEW)
        for u in Work:
            if self.compute_so_far[u]:
                self.after[w][u] = True
        for u in Work:
            if self.stream_so_far[Stream.ONBOARD][u] or self.stream_so_far[Stream.OFFLOAD][u]:
                self.compute_so_far[u] = True
        self.forget_entries()
        self.enqueue(w)
        self.compute_so_far[w] = True
        self.stage = Stage.BETWEEN


BUG = Bug(
    id="inv-28-compute-too-early",
    row="KV-INV-28",
    design="copies",
    machine=ComputeDoesNotWait,
    source="TensorRT-LLM PR #15349: the ordering must reach the stream that compute runs on",
    sentence="Compute reads blocks whose bytes have not arrived.",
    breaks=(
        "conflicts_are_ordered",
        "steps_take_turns",
    ),
    sizes={"W": 2, "S": 2},
)
