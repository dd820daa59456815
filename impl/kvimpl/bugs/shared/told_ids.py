"""A manager whose readers pin by id: each is told a key's block when the key is committed.

It decides who is told; it is right, since `pin` looks at what the block is by then. The wrong ones
do not look.
"""

from __future__ import annotations

from kvimpl.blocks.errors import NotCached, StaleHandle
from kvimpl.blocks.handles import BlockHandle, PinReceipt, Stored
from kvimpl.blocks.settings import PoolSettings
from kvimpl.device.port import Device, Stream
from kvimpl.shared import Books, SharedManager, SharedReporter
from kvspec.events import Key, RequestId


class ToldIds(SharedManager):
    """A key is looked up in what was told, and not in the index."""

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
        self._told: dict[Key, BlockHandle] = {}

    def commit(self, handle: BlockHandle, request: RequestId, key: Key) -> Stored:
        stored = super().commit(handle, request, key)
        if stored is Stored.STORED:
            self._told[key] = handle
        return stored

    def pin_key(self, key: Key) -> PinReceipt | None:
        handle = self._told.get(key)
        try:
            return None if handle is None else self.pin(handle)
        except (NotCached, StaleHandle):
            return None
