"""S3.4: the test, the claim and the count of a pin are not one critical section."""

from __future__ import annotations

from kvimpl.blocks.handles import PinReceipt
from kvimpl.bugs.shared.bug import SharedBug, Shows
from kvimpl.bugs.shared.trusting import TrustingBooks
from kvimpl.shared import SharedManager
from kvspec.events import Key


class PinInTwoSections(SharedManager):
    """A reader remembers whether the block was queued."""

    def pin_key(self, key: Key) -> PinReceipt | None:
        books = self._books
        with self._entry:
            block = books.find(key)
            if block is None:
                return None
            was_queued = books.is_queued(block)
        with self._entry:
            if books.find(key) != block:
                return None
            self._check_room(block)
            if was_queued:
                books.claim(block)
            books.refs[block] += 1
            return self._pinned(block, books.notes[books.slot[block]])


BUG = SharedBug(
    id="s3-4",
    row="S3.4",
    source="TensorRT-LLM fork PR #3, layer 3: pinBlocksById outside the lock",
    sentence="What was queued when the reader looked is gone when it claims, or the reverse.",
    shows=frozenset({Shows.LOCKSTEP, Shows.RACES, Shows.PAYLOAD, Shows.COUNTS, Shows.LINEAR}),
    manager=PinInTwoSections,
    books=TrustingBooks,
)
