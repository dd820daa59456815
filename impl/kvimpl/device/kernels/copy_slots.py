"""Copy of slots: what `copy_slots.cu` takes, and the same kernel in Python.

It decides nothing about when a copy may be made. A pair of slots is source, target; a pair with a
slot that does not exist is passed over. Targets of one launch are distinct, and none is a source.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from struct import iter_unpack

from kvimpl.device.kernels.arguments import pointers, scalars
from kvimpl.device.kernels.source import THREADS, KernelSource, Pointer, Scalar, Sizes
from kvimpl.device.port.values import Bytes, Mode, Space


def _body(arguments: Sequence[Bytes | int]) -> None:
    to, source, pairs = pointers(arguments)
    pair_count, to_slots, from_slots, slot_bytes = scalars(arguments)
    if not slot_bytes:
        return
    for here, there in iter_unpack("<ii", pairs.read(0, 8 * pair_count)):
        if 0 <= here < from_slots and 0 <= there < to_slots:
            moved = source.read(here * slot_bytes, (here + 1) * slot_bytes)
            to.write(moved, there * slot_bytes)


def _needs(given: Sizes) -> Sizes:
    return {
        "to": given["to_slots"] * given["slot_bytes"],
        "from": given["from_slots"] * given["slot_bytes"],
        "pairs": 8 * given["pair_count"],
    }


COPY_SLOTS = KernelSource(
    entry="copy_slots",
    path=Path(__file__).with_suffix(".cu"),
    parameters=(
        Pointer("to", Mode.WRITE, Space.PINNED, alignment=1),
        Pointer("from", Mode.READ, Space.PINNED, alignment=1),
        Pointer("pairs", Mode.READ, Space.PINNED),
        Scalar("pair_count"),
        Scalar("to_slots"),
        Scalar("from_slots"),
        Scalar("slot_bytes", nbytes=8),
    ),
    needs=_needs,
    work=lambda given: given["pair_count"] * THREADS,
    body=_body,
)
