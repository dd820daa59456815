"""KV-001: a free block is hit and stays in its queue."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.tiers import REFS, Block, Level, Request, TieredPool


class ReuseWithoutClaim(TieredPool):
    """Reuse counts the reference and leaves the block where it is."""

    @action
    def reuse(self, b: Block, r: Request) -> None:
        "A request hits a cached primary block, queued or not, and holds it too."
        require("it is cached", self.cached[b])
        require("it is in device memory", self.level_of(b) == Level.PRIMARY)
        require("the request does not hold it yet", r not in self.holders[b])
        require("the reference fits the counter", self.refs[b] < REFS)
        self.hold(b, r)


BUG = Bug(
    id="kv-001",
    row="KV-001",
    design="tiers",
    machine=ReuseWithoutClaim,
    source="TensorRT-LLM PR #12667 (issue #12560)",
    sentence="A block that is held stays queued, and its release makes a second entry.",
    breaks=(
        "queued_is_unused",
        "references_counted",
        "held_in_primary",
        "release",
    ),
    sizes={"P": 1, "S": 1},
)
