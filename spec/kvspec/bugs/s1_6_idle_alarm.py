"""S1.6: a block of the default priority awaits an expiry that has nothing to end."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.retention import Block, RetentionPool


class DefaultsExpireToo(RetentionPool):
    """Release schedules whatever has a duration."""

    def put_back(self, b: Block) -> None:
        level = self.level_of(b)
        self.free[level][self.priority[b]].push(b)
        self.nfree[level] += 1
        if self.timed[b]:
            self.expiring.add(b)


BUG = Bug(
    id="s1-6-idle-alarm",
    row="S1.6",
    design="retention",
    machine=DefaultsExpireToo,
    source="TensorRT-LLM releaseBlock, without its test for the default priority",
    sentence="When the time is over, a block that was due for eviction becomes the youngest of its "
    "queue.",
    breaks=("only_free_blocks_expire",),
    sizes={"P": 1, "S": 1},
)
