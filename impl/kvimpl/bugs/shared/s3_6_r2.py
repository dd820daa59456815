"""S3.6 R2: find-and-pin and release hold two different locks, which keep nobody out."""

from __future__ import annotations

from kvimpl.blocks.handles import PinReceipt
from kvimpl.blocks.settings import PoolSettings
from kvimpl.bugs.shared.bug import SharedBug, Shows
from kvimpl.bugs.shared.trusting import TrustingBooks
from kvimpl.device.port import Device, Stream
from kvimpl.shared import Books, SharedManager, SharedReporter
from kvspec.events import Key


class TwoLocks(SharedManager):
    """A pin looks under the prefix tree's lock, which release does not take."""

    def __init__(
        self,
        device: Device,
        settings: PoolSettings,
        *,
        compute: Stream,
        reporter: SharedReporter | None = None,
        books: type[Books] = Books,
        name: str = "kv",
    ) -> None:
        super().__init__(
            device, settings, compute=compute, reporter=reporter, books=books, name=name
        )
        self._tree = device.lock(f"{name}.tree")

    def pin_key(self, key: Key) -> PinReceipt | None:
        books = self._books
        with self._tree:
            block = books.find(key)
            if block is None:
                return None
            had_none = books.refs[block] == 0
            with self._entry:
                if books.find(key) != block:
                    return None
                self._check_room(block)
                if had_none and books.is_queued(block):
                    books.claim(block)
                books.refs[block] += 1
                return self._pinned(block, books.notes[books.slot[block]])


BUG = SharedBug(
    id="s3-6-r2",
    row="S3.6",
    source="TensorRT-LLM fork PR #3, R2: found on paper, open in the published fix",
    sentence="A block released between the look and the count is pinned and queued at once.",
    shows=frozenset({Shows.LOCKSTEP, Shows.RACES, Shows.PAYLOAD, Shows.COUNTS, Shows.LINEAR}),
    manager=TwoLocks,
    books=TrustingBooks,
)
