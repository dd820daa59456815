"""KV-104: a second lock, taken after the pool's by the scheduler and before it by a reader."""

from __future__ import annotations

from typing import Any

from kvimpl.blocks.handles import BlockHandle, PinReceipt
from kvimpl.blocks.manager import BlockManager
from kvimpl.bugs.bug import Bug, Evidence, Needs
from kvimpl.device.port import Device
from kvspec.events import BlockId, Key, RequestId


class TwoLocks(BlockManager):
    """Tables and pins are written down under a lock of their own."""

    def __init__(self, device: Device, *others: Any, **options: Any) -> None:  # as the base class
        super().__init__(device, *others, **options)
        self._book = device.lock("kv.book")

    def pin_key(self, key: Key) -> PinReceipt | None:
        with self._book:
            return super().pin_key(key)

    def _add(self, request: RequestId, block: BlockId) -> BlockHandle:
        with self._book:
            return super()._add(request, block)


BUG = Bug(
    id="kv-104",
    row="KV-104",
    design="locks",
    source="Mooncake PR #2486: the unmount timer and the snapshot, and a lock of each",
    sentence="A request and a reader wait for each other, and everybody else for them.",
    evidence=Evidence.STEP,
    manager=TwoLocks,
    needs=frozenset({Needs.THREADS}),
)
