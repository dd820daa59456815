"""S3.1: a queue's count is read, changed by the other thread, and overwritten with the old one."""

from __future__ import annotations

from kvimpl.blocks.handles import PinReceipt
from kvimpl.bugs.shared.bug import SharedBug, Shows
from kvimpl.bugs.shared.trusting import TrustingBooks
from kvimpl.shared import SharedManager
from kvspec.events import Key


class CountWithoutLock(SharedManager):
    """A pin reads the count before it has the lock, and writes it when it has."""

    _books: TrustingBooks

    def pin_key(self, key: Key) -> PinReceipt | None:
        books = self._books
        with self._entry:
            block = books.find(key)
            if block is None:
                return None
            level = books.level_of(block)
        seen = books.counts[level]
        with self._entry:
            if books.find(key) != block:
                return None
            self._check_room(block)
            if books.is_queued(block):
                books.unlink(block, level)
                books.counts[level] = seen - 1
            books.refs[block] += 1
            return self._pinned(block, books.notes[books.slot[block]])


BUG = SharedBug(
    id="s3-1",
    row="S3.1",
    source="TensorRT-LLM fork PR #3, layer 1: LRU structures without a mutex",
    sentence="A reader writes back a count that the scheduler has changed meanwhile.",
    shows=frozenset({Shows.LOCKSTEP, Shows.RACES, Shows.PAYLOAD, Shows.COUNTS, Shows.LINEAR}),
    manager=CountWithoutLock,
    books=TrustingBooks,
)
