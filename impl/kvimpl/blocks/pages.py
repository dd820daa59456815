"""The page table that a kernel reads: 32 bits a block, its number at its level and the level.

It decides the packing only. The idea: TensorRT-LLM writes the number *without* the level bit, so a
host block in a table silently names the device block of the same number; here a table for the
device refuses host slots, and the bit is kept when both levels are meant.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from kvimpl.blocks.errors import SizeError
from kvspec.events import Level, Shape, SlotId

INDEX_MAX = 2**31 - 2
SECONDARY_BIT = 1 << 31
ENTRY_BYTES = 4


def pack(slot: SlotId, shape: Shape) -> int:
    """One entry: the slot's number at its level, the top bit set for secondary.

    Raises:
        SizeError: there is no such slot.
    """
    if not 0 <= slot < shape.block_count:
        raise SizeError(
            f"Slot {slot} is not one of {shape.block_count}.",
            cause="The slot is another manager's.",
            mend="Pass slots that this manager showed.",
        )
    if slot < shape.primary_count:
        return slot
    return (slot - shape.primary_count) | SECONDARY_BIT


def unpack(entry: int, shape: Shape) -> SlotId:
    """The slot of an entry: the inverse of `pack`.

    Raises:
        SizeError: no slot packs to this entry.
    """
    index = entry & ~SECONDARY_BIT
    level = Level.SECONDARY if entry & SECONDARY_BIT else Level.PRIMARY
    count = shape.secondary_count if level is Level.SECONDARY else shape.primary_count
    if not 0 <= entry < 2**32 or index >= count:
        raise SizeError(
            f"Page-table entry {entry:#x} names no slot.",
            cause="The table was written for other pools, or overwritten.",
            mend="Write tables by `device_table`.",
        )
    return SlotId(index if level is Level.PRIMARY else shape.primary_count + index)


def device_table(slots: Sequence[SlotId], shape: Shape) -> bytes:
    """The entries of a request's blocks, little-endian, all of them primary.

    Raises:
        SizeError: a slot is in host memory: a kernel would read the wrong bytes.
    """
    for slot in slots:
        if shape.level_of(slot) is not Level.PRIMARY:
            raise SizeError(
                f"Slot {slot} is in host memory and cannot be in a kernel's page table.",
                cause="The block was offloaded, or was not onboarded, before the table was made.",
                mend="Acquire the block for the request first.",
            )
    return struct.pack(f"<{len(slots)}I", *(pack(slot, shape) for slot in slots))
