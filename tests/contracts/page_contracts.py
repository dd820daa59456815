"""What the page-table codec promises, as contracts that CrossHair executes symbolically.

It decides nothing at run time; each function calls the real codec. The ranges are small, so that
all paths can be tried: what depends on the width of an entry is left to the drawn tests.
"""

from __future__ import annotations

from kvimpl.blocks.errors import SizeError
from kvimpl.blocks.pages import SECONDARY_BIT, device_table, pack, unpack
from kvspec.events import Shape, SlotId


def packing_is_undone(slot: int, primary: int, secondary: int) -> int:
    """A slot that is packed and unpacked is itself.

    pre: 1 <= primary <= 3
    pre: 0 <= secondary <= 3
    pre: 0 <= slot < primary + secondary
    post: _ == slot
    """
    sizes = shape(primary, secondary)
    return unpack(pack(SlotId(slot), sizes), sizes)


def an_entry_names_one_slot_or_none(
    index: int, is_secondary: bool, primary: int, secondary: int
) -> bool:
    """An entry is refused exactly where its level has no such slot, and else packs to itself.

    pre: 1 <= primary <= 2
    pre: 0 <= secondary <= 2
    pre: 0 <= index <= 3
    post: _ == (index < (secondary if is_secondary else primary))
    """
    sizes = shape(primary, secondary)
    entry = SECONDARY_BIT + index if is_secondary else index
    try:
        return pack(unpack(entry, sizes), sizes) == entry
    except SizeError:
        return False


def a_table_for_a_kernel_holds_device_slots_only(slot: int, primary: int, secondary: int) -> bool:
    """A table is made exactly of primary slots, whose numbers it holds.

    pre: 1 <= primary <= 2
    pre: 0 <= secondary <= 2
    pre: 0 <= slot < primary + secondary
    post: _ == (slot < primary)
    """
    try:
        table = device_table([SlotId(slot)], shape(primary, secondary))
    except SizeError:
        return False
    return table == slot.to_bytes(4, "little")


def shape(primary: int, secondary: int) -> Shape:
    """A manager's sizes, of which only the slots matter here."""
    return Shape(
        primary_count=primary,
        secondary_count=secondary,
        priority_count=1,
        references_max=1,
        pins_max=1,
        copies_max=1,
    )
