"""The shared manager's own refusals in words; the rest are those of `kvimpl.blocks.refusals`.

It decides wording only.
"""

from __future__ import annotations

from kvimpl.blocks.errors import Broken, DeviceFault, NoFreeBlock
from kvimpl.device.port import DeviceError, Refused
from kvimpl.shared.lanes import broken
from kvspec.events import Shape


def no_free_block(shape: Shape) -> NoFreeBlock:
    return NoFreeBlock(
        f"None of {shape.primary_count} primary blocks is free.",
        cause="More was admitted than fits, or readers have pinned the rest.",
        mend="Release a request, or wait for readers, then allocate again.",
    )


def readers_everywhere(shape: Shape) -> NoFreeBlock:
    return NoFreeBlock(
        f"Readers came to {shape.primary_count} blocks, one after another, while each was copied.",
        cause="Readers pin what is about to be evicted as fast as it is tried.",
        mend="Allocate again.",
    )


def not_marked(error: DeviceError) -> DeviceFault | Broken:
    if not isinstance(error, Refused):
        return broken(error)
    return DeviceFault(
        f"The device refused to mark the compute so far ({error}).",
        cause="A launch failed, or a handle of the device is stale.",
        mend="Nothing has changed: call again, or close the manager.",
    )
