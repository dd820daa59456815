"""S3.4: an unpin by id does not ask whose pin it undoes, so a repeated one undoes another's."""

from __future__ import annotations

from kvimpl.blocks.handles import PinReceipt
from kvimpl.bugs.shared.bug import SharedBug, Shows
from kvimpl.bugs.shared.trusting import TrustingBooks
from kvimpl.shared import SharedManager


class UndoneTwice(SharedManager):
    """A reader whose answer was lost unpins the same id once more."""

    def unpin(self, receipt: PinReceipt) -> None:
        super().unpin(receipt)
        books, block = self._books, receipt.handle.block
        with self._entry:
            if books.refs[block]:
                books.refs[block] -= 1
                books.put_back(block)


BUG = SharedBug(
    id="s3-4-undone-twice",
    row="S3.4",
    source="TensorRT-LLM fork PR #3: unpinBlocksById takes a reference off whatever has the id",
    sentence="The second unpin of one pin takes a reference that is another's.",
    shows=frozenset({Shows.LOCKSTEP, Shows.COUNTS, Shows.LINEAR}),
    manager=UndoneTwice,
    books=TrustingBooks,
)
