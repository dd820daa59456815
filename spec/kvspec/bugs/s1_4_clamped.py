"""S1.4: a release counts even where nothing was queued, and a clamp hides it."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.offload import Block, OffloadSteps


class ClampedCounter(OffloadSteps):
    """The counter goes up once too often, up to the number of all blocks, primary and secondary."""

    def put_back(self, b: Block) -> None:
        level = self.level_of(b)
        self.free[level].push(b)
        self.nfree[level] += 1
        if self.nfree[level] < len(Block):
            self.nfree[level] += 1
        self.taken[level].discard(b)


BUG = Bug(
    id="s1-4-clamped",
    row="S1.4",
    design="offload",
    machine=ClampedCounter,
    source="TensorRT-LLM PR #11922 clamps, and getMaxNumBlocks counts both levels",
    sentence="A level counts more free blocks than it has, which a bound over both levels does not "
    "notice.",
    breaks=(
        "counters_count",
        "used_count_is_not_negative",
    ),
    sizes={"P": 1, "S": 1},
)
