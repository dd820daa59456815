"""S1.4: a claim takes the block off its queue and forgets to count."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.offload import Block, OffloadSteps


class DecrementForgotten(OffloadSteps):
    """The free counter is not decremented."""

    def claim(self, b: Block) -> None:
        level = self.level_of(b)
        if self.is_queued(b):
            self.free[level].remove(b)
            self.taken[level].add(b)


BUG = Bug(
    id="s1-4-forgotten",
    row="S1.4",
    design="offload",
    machine=DecrementForgotten,
    source="TensorRT-LLM issue #11879: the free counter drifted upwards",
    sentence="The free counter keeps counting a block that was claimed.",
    breaks=(
        "counters_count",
        "used_count_is_not_negative",
        "release",
        "release_victim",
    ),
    sizes={"P": 1, "S": 1},
)
