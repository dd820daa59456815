"""S1.6: blocks of the lowest priority are copied to host memory."""

from __future__ import annotations

from kvimpl.blocks.pool import BlockPool
from kvimpl.bugs.bug import Bug, Evidence, Needs
from kvspec.events import BlockId


class OffloadsAnything(BlockPool):
    """The priority of the victim is not looked at."""

    def is_worth_a_copy(self, b: BlockId) -> bool:
        return True


BUG = Bug(
    id="s1-6-unworthy",
    row="S1.6",
    design="retention",
    source="TensorRT-LLM secondary-offload minimum priority, ignored",
    sentence="Host memory fills with blocks that are not worth a copy.",
    evidence=Evidence.STEP,
    pool=OffloadsAnything,
    needs=frozenset({Needs.PRIORITIES}),
    settings={
        "primary_count": 1,
        "secondary_count": 1,
        "priority_count": 3,
        "default_priority": 1,
        "offload_priority_min": 1,
    },
)
