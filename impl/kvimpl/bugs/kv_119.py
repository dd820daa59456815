"""KV-119: a reader is told where a block is, and nothing keeps it there."""

from __future__ import annotations

from kvimpl.blocks.handles import PinReceipt
from kvimpl.blocks.manager import BlockManager
from kvimpl.bugs.bug import Bug, Evidence
from kvspec.events import BlockId, PinId

LOOKED = PinId(-1)
"""No pin: the block was only looked at."""


class ReadsWithoutAPin(BlockManager):
    """A look under the lock, and a read without it."""

    def _pin(self, block: BlockId) -> PinReceipt:
        slot, ready = self._pool.slot[block], self._pool.ready[block]
        after = () if ready is None else (ready,)
        return PinReceipt(LOOKED, self._handle(block), slot, self._memory.view(slot), after)

    def unpin(self, receipt: PinReceipt) -> None:
        if receipt.pin != LOOKED:
            super().unpin(receipt)


BUG = Bug(
    id="kv-119",
    row="KV-119",
    design="objects",
    source="LMCache issue #2420, PRs #4405 and #5228: the disk was read without the lock",
    sentence="A block is handed out and written while a reader copies from it.",
    evidence=Evidence.BYTES,
    manager=ReadsWithoutAPin,
)
