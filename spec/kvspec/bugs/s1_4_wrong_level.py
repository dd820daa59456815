"""S1.4: the block leaves the right queue and the other level's counter is decremented."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.offload import Block, Level, OffloadSteps


class DecrementOfTheOtherLevel(OffloadSteps):
    """A claim always counts down the primary level."""

    def claim(self, b: Block) -> None:
        level = self.level_of(b)
        if self.is_queued(b):
            self.free[level].remove(b)
            self.nfree[Level.PRIMARY] -= 1
            self.taken[level].add(b)


BUG = Bug(
    id="s1-4-wrong-level",
    row="S1.4",
    design="offload",
    machine=DecrementOfTheOtherLevel,
    source="TensorRT-LLM issue #11879, with the counters of PR #12834's order",
    sentence="Claiming a secondary block counts down the primary counter.",
    breaks=(
        "counters_count",
        "claim_victim",
    ),
    sizes={"P": 1, "S": 1},
)
