"""S3.5: the offload swaps its victim although a reader has been told where it is."""

from __future__ import annotations

from kvimpl.bugs.shared.bug import SharedBug, Shows
from kvimpl.shared import Books
from kvspec.events import BlockId


class OffloadUnderReader(Books):
    """The swap after the copy down asks nothing."""

    def may_not_go(self, b: BlockId) -> bool:
        return False


BUG = SharedBug(
    id="s3-5",
    row="S3.5",
    source="TensorRT-LLM fork PR #3, getFreeBlock swaps what it claimed",
    sentence="A block that was pinned while its offload was in flight moves all the same.",
    shows=frozenset({Shows.LOCKSTEP, Shows.RACES, Shows.PAYLOAD, Shows.LINEAR}),
    books=OffloadUnderReader,
)
