"""KV-INV-28: when a step begins, only the onboard stream waits for compute."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.copies import OrderedCopies, Stage, Stream, Work


class OffloadDoesNotWait(OrderedCopies):
    """The offload stream is not told to wait."""

    @action
    def begin_step(self) -> None:
        "The onboard stream waits for the compute so far, and the pending entries are forgotten."
        require("the copies of the last step are ordered", self.stage == Stage.BETWEEN)
        for u in Work:
            if self.compute_so_far[u]:
                self.stream_so_far[Stream.ONBOARD][u] = True
        self.forget_entries()
        self.stage = Stage.COPYING


BUG = Bug(
    id="inv-28-half-begin",
    row="KV-INV-28",
    design="copies",
    machine=OffloadDoesNotWait,
    source="TensorRT-LLM syncWithBufferManager, one of its two waits left out",
    sentence="A block is offloaded while compute still writes it.",
    breaks=(
        "steps_begin_after_compute",
        "conflicts_are_ordered",
        "entries_outlive_their_need",
        "steps_take_turns",
    ),
    sizes={"W": 2, "S": 2},
)
