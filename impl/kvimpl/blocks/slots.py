"""The memory itself: one buffer of device slots, one of pinned host slots.

It decides which bytes a slot is; who uses a slot is the pool's business. The idea: a slot's number
says its level, primary slots first, so one number is a whole address and no level bit can be lost.
"""

from __future__ import annotations

from kvimpl.blocks.errors import PoolTooLarge, SizeError
from kvimpl.device.port import Buffer, Device, DeviceError, Space, View
from kvspec.events import Shape, SlotId


class SlotMemory:
    """`slot_bytes` bytes a slot, contiguous by level.

    Raises:
        PoolTooLarge: a level's buffer could not be had; nothing stays allocated.
    """

    def __init__(self, device: Device, shape: Shape, *, slot_bytes: int) -> None:
        self._device, self._shape, self._slot_bytes = device, shape, slot_bytes
        self._views: dict[SlotId, View] = {}
        self._primary = self._alloc(shape.primary_count, Space.DEVICE, "primary")
        self._secondary: Buffer | None = None
        if shape.secondary_count:
            try:
                self._secondary = self._alloc(shape.secondary_count, Space.PINNED, "secondary")
            except PoolTooLarge:
                device.free(self._primary)
                raise

    def view(self, slot: SlotId) -> View:
        """The slot's bytes.

        Raises:
            SizeError: there is no such slot.
        """
        known = self._views.get(slot)
        if known is not None:
            return known
        if not 0 <= slot < self._shape.block_count:
            raise SizeError(
                f"Slot {slot} is not one of {self._shape.block_count}.",
                cause="The slot is another manager's.",
                mend="Pass slots that this manager showed.",
            )
        buffer, index = self._primary, int(slot)
        if self._secondary is not None and slot >= self._shape.primary_count:
            buffer, index = self._secondary, slot - self._shape.primary_count
        start = index * self._slot_bytes
        view = self._views[slot] = buffer.view(start, start + self._slot_bytes)
        return view

    def free(self) -> None:
        """Give both buffers back; all work on them must be complete."""
        self._device.free(self._primary)
        if self._secondary is not None:
            self._device.free(self._secondary)

    def _alloc(self, count: int, space: Space, label: str) -> Buffer:
        size = count * self._slot_bytes
        try:
            return self._device.alloc(size, space, label=label)
        except DeviceError as error:
            raise PoolTooLarge(
                f"The device gave no {size} bytes of {space.value} memory for {count} {label}"
                f" slots ({error}).",
                cause="The pool is larger than the memory that is left.",
                mend=f"Lower {label}_count, or slot_bytes.",
            ) from error
