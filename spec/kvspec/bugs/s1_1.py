"""S1.1: the blocks are claimed after their slots were exchanged, so at each other's level."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.tiers import COPIES, Copy, Level, Request, Stream, TieredPool


class ClaimAfterSwap(TieredPool):
    """Transfer, swap, and only then claim: each claim looks in the other level's queue."""

    @action
    def offload_allocate(self, r: Request, st: Stream) -> None:
        "The oldest free primary block is cached: its bytes move down and its slot is handed out."
        require("a primary block is free", len(self.free[Level.PRIMARY]) > 0)
        require("a secondary block is free", len(self.free[Level.SECONDARY]) > 0)
        require("the stream takes one more copy", len(self.pending[st]) < COPIES)
        victim = self.free[Level.PRIMARY].front
        spare = self.free[Level.SECONDARY].front
        require("the primary block is worth keeping", self.cached[victim])
        self.pending[st].push(Copy(src=self.slot[victim], dst=self.slot[spare]))
        self.swap(victim, spare)
        self.claim(victim)
        self.release_if_idle(victim)
        self.claim(spare)
        self.cached[spare] = False
        self.hold(spare, r)


BUG = Bug(
    id="s1-1",
    row="S1.1",
    design="tiers",
    machine=ClaimAfterSwap,
    source="TensorRT-LLM issue #11879, mended by PR #12834",
    sentence="Blocks are claimed after the swap, so each is looked for in the other level's queue.",
    breaks=("offload_allocate",),
    sizes={"P": 1, "S": 1},
)
