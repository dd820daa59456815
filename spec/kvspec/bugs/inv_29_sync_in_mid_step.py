"""KV-INV-29: the sync that begins a step may be called among its copies."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action
from kvspec.models.copies import OrderedCopies, Stage, Stream, Work


class SyncInMidStep(OrderedCopies):
    """The pending entries are forgotten while copies still need them."""

    @action
    def begin_step(self) -> None:
        "Both copy streams wait for the compute so far, and the pending entries are forgotten."
        for u in Work:
            if self.compute_so_far[u]:
                self.stream_so_far[Stream.ONBOARD][u] = True
                self.stream_so_far[Stream.OFFLOAD][u] = True
        self.forget_entries()
        self.stage = Stage.COPYING


BUG = Bug(
    id="inv-29-sync-in-mid-step",
    row="KV-INV-29",
    design="copies",
    machine=SyncInMidStep,
    source="TensorRT-LLM PR #16913 review: a sync is an iteration boundary, not a wait",
    sentence="A second sync drops what later copies had to wait for.",
    breaks=(
        "entries_outlive_their_need",
        "conflicts_are_ordered",
        "source_is_written",
        "target_is_unused",
    ),
    sizes={"W": 2, "S": 2},
)
