"""S1.4: a pin takes a free block without telling the counter."""

from __future__ import annotations

from kvimpl.blocks.pool import BlockPool
from kvimpl.bugs.bug import Bug, Evidence
from kvspec.events import BlockId, PinId


class UncountedPin(BlockPool):
    """Pin removes the block from its queue and leaves the counter as it was."""

    def pin(self, b: BlockId, pin: PinId) -> None:
        if self.queues.holds(b):
            self.queues.counts[self.level_of(b)] += 1
        super().pin(b, pin)


BUG = Bug(
    id="s1-4-uncounted-pin",
    row="S1.4",
    design="tiers",
    source="TensorRT-LLM issue #11879: drift with pins in disaggregated prefill",
    sentence="Each pin and unpin of a free block lets the free counter grow by one.",
    evidence=Evidence.STEP,
    pool=UncountedPin,
)
