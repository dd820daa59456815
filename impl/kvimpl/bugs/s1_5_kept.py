"""S1.5: nobody puts a block back after its last pin."""

from __future__ import annotations

from kvimpl.blocks.pool import BlockPool
from kvimpl.bugs.bug import Bug, Evidence
from kvspec.events import BlockId, PinId, Unpin


class UnpinWithoutRelease(BlockPool):
    """Unpin only counts down."""

    def unpin(self, b: BlockId, pin: PinId) -> None:
        self.pins[b] -= 1
        self.refs[b] -= 1
        if self.reporter is not None:
            self.reporter.report(Unpin(b, pin), self)


BUG = Bug(
    id="s1-5-kept",
    row="S1.5",
    design="tiers",
    source="TensorRT-LLM unpinBlocksById, without its release",
    sentence="After its unpin the block is neither in use nor free.",
    evidence=Evidence.STEP,
    pool=UnpinWithoutRelease,
)
