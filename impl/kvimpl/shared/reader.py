"""A reader of cached blocks on a thread of its own: find and pin, wait, read by copy, unpin.

It decides how bytes get to the host, not which they are. The idea: between pin and unpin the block
has its slot, so nothing but the pending write that the receipt names has to be waited for.
"""

from __future__ import annotations

from kvimpl.blocks.handles import PinReceipt
from kvimpl.device.port import Device, Space
from kvimpl.shared.manager import SharedManager
from kvspec.events import Key


class Reader:
    """One thread's; `name` names its stream, and is unique on the device.

    Raises:
        DeviceError: the device gave no stream, or no memory for the bytes of a block.
    """

    def __init__(self, manager: SharedManager, device: Device, *, name: str) -> None:
        self._manager, self._device = manager, device
        self._stream = device.stream(name)
        size = manager.settings.slot_bytes
        self._buffer = device.alloc(size, Space.PINNED, label=f"{name}.bytes")

    def read(self, key: Key) -> bytes | None:
        """The bytes of the block that caches `key`, or None.

        Raises:
            LimitReached: the block has as many references as the settings allow.
            DeviceError: the device failed; the pin is undone all the same.
        """
        receipt = self._manager.pin_key(key)
        if receipt is None:
            return None
        try:
            return self.read_pinned(receipt)
        finally:
            self._manager.unpin(receipt)

    def read_pinned(self, receipt: PinReceipt) -> bytes:
        """The bytes of a block that is pinned; it stays so."""
        device, view = self._device, receipt.view
        for mark in receipt.after:
            device.synchronize(mark)
        self._manager.reads(receipt)
        if view.buffer.space is not Space.DEVICE:
            return device.host_read(view)
        device.copy(self._buffer.view(), view, self._stream, label="read")
        device.synchronize(self._stream)
        return device.host_read(self._buffer.view())

    def close(self) -> None:
        """Give the memory back."""
        self._device.free(self._buffer)
