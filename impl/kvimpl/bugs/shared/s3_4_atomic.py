"""S3.4: the reference count is atomic, the queue has a lock, and the two do not change together."""

from __future__ import annotations

from kvimpl.blocks.handles import PinReceipt
from kvimpl.bugs.shared.bug import SharedBug, Shows
from kvimpl.bugs.shared.trusting import TrustingBooks
from kvimpl.shared import SharedManager
from kvspec.events import Key


class AtomicCountAlone(SharedManager):
    """A pin counts first, and takes the block off its queue if its reference was the first."""

    def pin_key(self, key: Key) -> PinReceipt | None:
        books = self._books
        with self._entry:  # which makes the count atomic
            block = books.find(key)
            if block is None:
                return None
            self._check_room(block)
            was_first = books.refs[block] == 0
            books.refs[block] += 1
        with self._entry:
            if was_first:
                books.claim(block)
            return self._pinned(block, books.notes[books.slot[block]])


BUG = SharedBug(
    id="s3-4-atomic",
    row="S3.4",
    source="cf. TensorRT-LLM fork PR #3: an atomic mRefCount beside a lock of the queues",
    sentence="A block that a reader has counted is still queued, and the scheduler claims it.",
    shows=frozenset({Shows.LOCKSTEP, Shows.RACES, Shows.PAYLOAD, Shows.COUNTS, Shows.LINEAR}),
    manager=AtomicCountAlone,
    books=TrustingBooks,
)
