"""KV-INV-27: a request fills its new slot while the offload still reads the old bytes from it."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.tiers import Block, Request, TieredPool


class FilledUnderTheCopy(TieredPool):
    """Commit does not wait for copies."""

    @action
    def commit(self, b: Block, r: Request) -> None:
        "The one request that holds a block has filled it: it becomes reusable."
        require("the request holds it", r in self.holders[b])
        require("it is not cached yet", not self.cached[b])
        assert len(self.holders[b]) == 1, "a block is written by exactly one request"
        self.cached[b] = True


BUG = Bug(
    id="inv-27-early-fill",
    row="KV-INV-27",
    design="tiers",
    machine=FilledUnderTheCopy,
    source="TensorRT-LLM syncTransfers, left out: corrupted blocks eventually",
    sentence="The offloaded copy holds the new request's bytes.",
    breaks=("source_is_not_overwritten",),
    sizes={"P": 1, "S": 1},
)
