"""S3.6 R4: the map of pending writes is read without the lock under which the slot is looked up."""

from __future__ import annotations

from kvimpl.blocks.handles import PinReceipt
from kvimpl.bugs.shared.bug import SharedBug, Shows
from kvimpl.shared import SharedManager
from kvspec.events import Key


class OldMap(SharedManager):
    """What is pending is read before the pin."""

    def pin_key(self, key: Key) -> PinReceipt | None:
        books = self._books
        with self._entry:
            block = books.find(key)
        if block is None:
            return None
        note = books.notes[books.slot[block]]
        with self._entry:
            if books.find(key) != block:
                return None
            self._check_room(block)
            books.join(block)
            return self._pinned(block, note)


BUG = SharedBug(
    id="s3-6-r4",
    row="S3.6",
    source="TensorRT-LLM fork PR #3, R4: found on paper, open in the published fix",
    sentence="The reader asks the map of pending writes before it knows where the block will be.",
    shows=frozenset({Shows.LOCKSTEP, Shows.RACES, Shows.PAYLOAD}),
    manager=OldMap,
)
