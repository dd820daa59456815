"""KV-INV-12: a hit in host memory is held where it is."""

from __future__ import annotations

from kvimpl.blocks.pool import BlockPool
from kvimpl.bugs.bug import Bug, Evidence
from kvspec.events import BlockId


class ReusedInHostMemory(BlockPool):
    """Reuse does not look at the level."""

    def is_at_hand(self, b: BlockId) -> bool:
        return True


BUG = Bug(
    id="inv-12-reused-in-host",
    row="KV-INV-12",
    design="tiers",
    source="TensorRT-LLM fork, early return of onboardBlock (S3.6, R3) with setOffsets",
    sentence="The table names a primary slot with the host slot's number: another block's bytes.",
    evidence=Evidence.STEP,
    pool=ReusedInHostMemory,
)
