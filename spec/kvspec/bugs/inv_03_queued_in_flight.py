"""KV-INV-03: the victim is queued at once, while its bytes are still on their way."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.tiers import COPIES, Copy, Level, Request, Stream, TieredPool


class ReleasedInFlight(TieredPool):
    """The victim enters the secondary queue when its copy is enqueued, not when it is complete."""

    @action
    def offload_allocate(self, r: Request, st: Stream) -> None:
        "The oldest free primary block moves down and is queued there at once."
        require("a primary block is free", len(self.free[Level.PRIMARY]) > 0)
        require("a secondary block is free", len(self.free[Level.SECONDARY]) > 0)
        require("the stream takes one more copy", len(self.pending[st]) < COPIES)
        victim = self.free[Level.PRIMARY].front
        spare = self.free[Level.SECONDARY].front
        require("the primary block is worth keeping", self.cached[victim])
        self.claim(victim)
        self.claim(spare)
        self.pending[st].push(Copy(src=self.slot[victim], dst=self.slot[spare]))
        self.swap(victim, spare)
        self.free[Level.SECONDARY].push(victim)
        self.nfree[Level.SECONDARY] += 1
        self.cached[spare] = False
        self.hold(spare, r)


BUG = Bug(
    id="inv-03-queued-in-flight",
    row="KV-INV-03",
    design="tiers",
    machine=ReleasedInFlight,
    source="TensorRT-LLM getFreeBlock releases the victim when its copy is enqueued",
    sentence="A block is free while a copy still writes its slot, so both can be handed out.",
    breaks=(
        "queued_is_unused",
        "complete",
    ),
    sizes={"P": 1, "S": 1},
)
