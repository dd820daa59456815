"""S3.2: to look for a free block and to claim it are two critical sections."""

from __future__ import annotations

from kvimpl.blocks.handles import BlockHandle
from kvimpl.bugs.shared.bug import SharedBug, Shows
from kvimpl.bugs.shared.trusting import TrustingBooks
from kvimpl.shared import Move, SharedManager
from kvspec.events import RequestId


class PeekThenClaim(SharedManager):
    """The scheduler lets go of the lock between its look and its claim."""

    def _claim_for(self, request: RequestId) -> BlockHandle | Move:
        with self._entry:
            block = self._look_for(request)
        with self._entry:
            return self._claim(block, request)


BUG = SharedBug(
    id="s3-2",
    row="S3.2",
    source="TensorRT-LLM fork PR #3, layer 2: getFreeBlock, then claim",
    sentence="The block that the scheduler looked at is claimed by a reader before it claims it.",
    shows=frozenset({Shows.LOCKSTEP, Shows.COUNTS, Shows.LINEAR}),
    manager=PeekThenClaim,
    books=TrustingBooks,
)
