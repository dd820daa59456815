"""S3.1: a block's reference count is read, changed by the other thread, and written back."""

from __future__ import annotations

from kvimpl.blocks.handles import PinReceipt
from kvimpl.bugs.shared.bug import SharedBug, Shows
from kvimpl.bugs.shared.trusting import TrustingBooks
from kvimpl.shared import SharedManager
from kvspec.events import Key


class TornReferences(SharedManager):
    """A pin reads the references before it has the lock, and writes one more when it has."""

    def pin_key(self, key: Key) -> PinReceipt | None:
        books = self._books
        with self._entry:
            block = books.find(key)
            if block is None:
                return None
            self._check_room(block)
        seen = books.refs[block]
        with self._entry:
            if books.find(key) != block:
                return None
            if books.is_queued(block):
                books.claim(block)
            books.refs[block] = seen + 1
            return self._pinned(block, books.notes[books.slot[block]])


BUG = SharedBug(
    id="s3-1-torn",
    row="S3.1",
    source="TensorRT-LLM fork PR #3, layer 1: mRefCount was no std::atomic",
    sentence="A reader writes back a reference count that the scheduler has changed meanwhile.",
    shows=frozenset({Shows.LOCKSTEP, Shows.RACES, Shows.PAYLOAD, Shows.COUNTS, Shows.LINEAR}),
    manager=TornReferences,
    books=TrustingBooks,
)
