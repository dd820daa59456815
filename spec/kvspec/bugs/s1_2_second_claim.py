"""S1.2: the claim that ends every allocation takes effect a second time after an offload."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.offload import Block, OffloadSteps


class ClaimTwice(OffloadSteps):
    """The last claim asks no entry whether the block is queued."""

    def claim(self, b: Block) -> None:
        level = self.level_of(b)
        self.free[level].remove(b)
        self.nfree[level] -= 1
        self.taken[level].add(b)


BUG = Bug(
    id="s1-2-second-claim",
    row="S1.2",
    design="offload",
    machine=ClaimTwice,
    source="TensorRT-LLM claimBlock, which must be idempotent for PR #12834's order",
    sentence="The claim at the end is no no-op: the spare was claimed before, and is taken off a "
    "queue it left.",
    breaks=("hand_out",),
    sizes={"P": 1, "S": 1},
)
