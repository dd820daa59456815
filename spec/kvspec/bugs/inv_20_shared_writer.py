"""KV-INV-20: a block that is still being filled is given to a second request."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.tiers import REFS, Block, Level, Request, TieredPool


class SharedWhileWritten(TieredPool):
    """Reuse does not look whether the block is cached."""

    @action
    def reuse(self, b: Block, r: Request) -> None:
        "A request holds any primary block."
        require("it is in device memory", self.level_of(b) == Level.PRIMARY)
        require("the request does not hold it yet", r not in self.holders[b])
        require("the reference fits the counter", self.refs[b] < REFS)
        if b in self.free[Level.PRIMARY]:
            self.claim(b)
        self.hold(b, r)


BUG = Bug(
    id="inv-20-shared-writer",
    row="KV-INV-20",
    design="tiers",
    machine=SharedWhileWritten,
    source="TensorRT-LLM partial reuse: a block with a writer is copied, never shared",
    sentence="Two requests write one block.",
    breaks=(
        "writer_is_alone",
        "commit",
    ),
    sizes={"P": 1, "S": 1, "R": 2},
)
