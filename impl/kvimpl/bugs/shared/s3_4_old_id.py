"""S3.4: a pin by id does not look whether the block is still what the id was told for."""

from __future__ import annotations

from kvimpl.blocks import refusals as said
from kvimpl.blocks.handles import BlockHandle, PinReceipt
from kvimpl.bugs.shared.bug import SharedBug, Shows
from kvimpl.bugs.shared.told_ids import ToldIds


class OldId(ToldIds):
    """It is asked whether the block caches anything, and not what."""

    def pin(self, handle: BlockHandle) -> PinReceipt:
        with self._entry:
            if self._books.keys[handle.block] is None:
                raise said.not_cached(handle.block)
            return self._pin(handle.block)


BUG = SharedBug(
    id="s3-4-old-id",
    row="S3.4",
    source="cf. TensorRT-LLM fork PR #3: pinBlocksById knows a block by its number alone",
    sentence="A reader pins a block that was handed out again, and reads another's content.",
    shows=frozenset({Shows.PAYLOAD, Shows.LINEAR}),
    manager=OldId,
)
