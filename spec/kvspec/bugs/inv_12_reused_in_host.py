"""KV-INV-12: a hit in host memory is put into the request's table where it is."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.tiers import REFS, Block, Request, TieredPool


class ReusedInHostMemory(TieredPool):
    """Reuse does not look at the level."""

    @action
    def reuse(self, b: Block, r: Request) -> None:
        "A request hits a cached block, wherever it is, and holds it too."
        require("it is cached", self.cached[b])
        require("the request does not hold it yet", r not in self.holders[b])
        require("the reference fits the counter", self.refs[b] < REFS)
        if b in self.free[self.level_of(b)]:
            self.claim(b)
        self.hold(b, r)


BUG = Bug(
    id="inv-12-reused-in-host",
    row="KV-INV-12",
    design="tiers",
    machine=ReusedInHostMemory,
    source="TensorRT-LLM fork, early return of onboardBlock (S3.6, R3) with setOffsets",
    sentence="The table names a primary slot with the host slot's number: another block's bytes.",
    breaks=("held_in_primary",),
    sizes={"P": 1, "S": 1},
)
