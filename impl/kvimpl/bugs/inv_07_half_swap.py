"""KV-INV-07: two blocks name one slot after a swap."""

from __future__ import annotations

from kvimpl.blocks.pool import BlockPool
from kvimpl.bugs.bug import Bug, Evidence
from kvspec.events import BlockId


class HalfASwap(BlockPool):
    """Swap forgets to give the other block the first one's slot."""

    def swap(self, a: BlockId, b: BlockId) -> None:
        slot_of_b = self.slot[b]
        super().swap(a, b)
        self.slot[b] = slot_of_b


BUG = Bug(
    id="inv-07-half-swap",
    row="KV-INV-07",
    design="tiers",
    source="TensorRT-LLM swapMemoryPoolBlockOffset, cut short",
    sentence="After an offload two blocks name one slot, and one slot belongs to nobody.",
    evidence=Evidence.STEP,
    pool=HalfASwap,
)
