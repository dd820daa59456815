"""Payload tags in slots: what `write_tags.cu` and `read_tags.cu` take, and both in Python.

A tag says whose bytes a slot holds: block, generation and a digest of the owner or the content key.
It decides how a tag is packed, not which one is right. It is repeated over the whole slot, so that
a slot of which only a part was copied shows where the copy stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from struct import Struct, pack, unpack

from kvimpl.device.kernels.arguments import pointers, scalars
from kvimpl.device.kernels.source import THREADS, KernelSource, Pointer, Scalar, Sizes
from kvimpl.device.port.values import Bytes, Mode, Space

TAG_BYTES = 16
NO_TAG = b"\xff" * TAG_BYTES
_LAYOUT = Struct("<II8s")


@dataclass(frozen=True, slots=True)
class Tag:
    """Whose bytes these are: a block, its generation, and eight bytes of a digest."""

    block: int
    generation: int
    digest: bytes

    def packed(self) -> bytes:
        """The sixteen bytes of it. Raises: ValueError, for what sixteen bytes cannot hold."""
        fits = 0 <= self.block < 1 << 32 and 0 <= self.generation < 1 << 32
        if not fits or len(self.digest) != 8:
            raise ValueError(
                f"{self} does not fit sixteen bytes. A tag has a block and a generation of 32 bits "
                "without a sign, and eight bytes of digest. Shorten the digest or use other ids."
            )
        return _LAYOUT.pack(self.block, self.generation, self.digest)

    @staticmethod
    def unpacked(data: bytes) -> Tag:
        """The tag in sixteen bytes."""
        return Tag(*_LAYOUT.unpack(data))


def _write(arguments: Sequence[Bytes | int]) -> None:
    slots, page_table, tags = pointers(arguments)
    page_count, slot_count, slot_bytes = scalars(arguments)
    for page, slot in enumerate(_table(page_table, page_count)):
        if 0 <= slot < slot_count and slot_bytes:
            tag = tags.read(TAG_BYTES * page, TAG_BYTES * (page + 1))
            slots.write(_spread(tag, slot_bytes), slot * slot_bytes)


def _read(arguments: Sequence[Bytes | int]) -> None:
    tags, intact, slots, page_table = pointers(arguments)
    page_count, slot_count, slot_bytes = scalars(arguments)
    for page, slot in enumerate(_table(page_table, page_count)):
        tag, same = NO_TAG, 0
        if 0 <= slot < slot_count:
            held = slots.read(slot * slot_bytes, (slot + 1) * slot_bytes) if slot_bytes else b""
            tag = held[:TAG_BYTES].ljust(TAG_BYTES, b"\0")
            pairs = zip(held, _spread(tag, slot_bytes), strict=True)
            same = next((i for i, (is_, was) in enumerate(pairs) if is_ != was), slot_bytes)
        tags.write(tag, TAG_BYTES * page)
        intact.write(pack("<Q", same), 8 * page)


def _table(page_table: Bytes, page_count: int) -> tuple[int, ...]:
    return unpack(f"<{page_count}i", page_table.read(0, 4 * page_count))


def _spread(tag: bytes, slot_bytes: int) -> bytes:
    return (tag * (slot_bytes // TAG_BYTES + 1))[:slot_bytes]


def _needs(given: Sizes) -> Sizes:
    pages = given["page_count"]
    slots = given["slot_count"] * given["slot_bytes"]
    return {"slots": slots, "page_table": 4 * pages, "tags": 16 * pages, "intact": 8 * pages}


_COUNTS = (Scalar("page_count"), Scalar("slot_count"), Scalar("slot_bytes", nbytes=8))

WRITE_TAGS = KernelSource(
    entry="write_tags",
    path=Path(__file__).with_name("write_tags.cu"),
    parameters=(
        Pointer("slots", Mode.WRITE, Space.PINNED, alignment=1),
        Pointer("page_table", Mode.READ, Space.PINNED),
        Pointer("tags", Mode.READ, Space.PINNED, alignment=1),
        *_COUNTS,
    ),
    needs=_needs,
    work=lambda given: given["page_count"] * THREADS,
    body=_write,
)

READ_TAGS = KernelSource(
    entry="read_tags",
    path=Path(__file__).with_name("read_tags.cu"),
    parameters=(
        Pointer("tags", Mode.WRITE, Space.PINNED, alignment=1),
        Pointer("intact", Mode.WRITE, Space.PINNED, alignment=8),
        Pointer("slots", Mode.READ, Space.PINNED, alignment=1),
        Pointer("page_table", Mode.READ, Space.PINNED),
        *_COUNTS,
    ),
    needs=_needs,
    work=lambda given: given["page_count"],
    body=_read,
)
