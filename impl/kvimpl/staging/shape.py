"""The sizes of a page table, and how its rows lie in bytes, on the host and on the device.

It decides layout and no lifetime. On the host a row is the pages of one slot in one pool; on the
device it has become two rows, of keys and of values, since the kernels of attention want offsets.
A page of BAD_PAGE is no page; so are the columns beyond a slot's pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from struct import pack, unpack
from typing import TypeAlias

from kvimpl.staging.errors import SizeError

BAD_PAGE = -1
PAGE_BYTES = 4
OFFSET_MAX = 2**31 - 1

Rows: TypeAlias = tuple[tuple[int, ...], ...]
"""The pages of one slot, a row a pool."""


@dataclass(frozen=True, slots=True)
class PoolScale:
    """How a page becomes an offset: `page * scale` for keys, `value_offset` more for values."""

    scale: int = 2
    value_offset: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TableShape:
    """`width` pages a row at most, and one row a slot in each pool.

    Raises:
        SizeError: no pool, no column, or a negative scale.
    """

    width: int
    pools: tuple[PoolScale, ...] = (PoolScale(),)

    def __post_init__(self) -> None:
        if self.width < 1 or not self.pools:
            raise SizeError(
                f"A table of {len(self.pools)} pools and {self.width} columns holds nothing.",
                cause="A size was computed as nothing.",
                mend="Pass at least one pool and a width of at least 1.",
            )
        if any(pool.scale < 1 or pool.value_offset < 0 for pool in self.pools):
            raise SizeError(
                f"A pool of {self.pools} has a scale below 1 or a negative value_offset.",
                cause="The offsets of a pool were taken for its pages.",
                mend="Pass a scale of at least 1 and a value_offset of at least 0.",
            )

    @property
    def row_bytes(self) -> int:
        """The bytes of one row of one pool on the host."""
        return PAGE_BYTES * self.width

    def table_bytes(self, slot_count: int) -> int:
        """The bytes of so many slots on the host."""
        return len(self.pools) * slot_count * self.row_bytes

    def shipped_bytes(self, request_count: int) -> int:
        """The bytes of so many requests on the device."""
        return 2 * self.table_bytes(request_count)

    def full(self, rows: Sequence[Sequence[int]]) -> Rows:
        """The rows, each filled up with BAD_PAGE.

        Raises:
            SizeError: not one row a pool, a row wider than the table, or a page that has no offset.
        """
        if len(rows) != len(self.pools):
            raise SizeError(
                f"{len(rows)} rows were given for {len(self.pools)} pools.",
                cause="The rows of another table were passed.",
                mend="Pass one row a pool.",
            )
        for number, (row, pool) in enumerate(zip(rows, self.pools, strict=True)):
            if len(row) > self.width:
                raise SizeError(
                    f"A row of {len(row)} pages was given for {self.width} columns of pool "
                    f"{number}.",
                    cause="The request has grown beyond the longest that the table was built for.",
                    mend="Build the table with a larger width.",
                )
            most = (OFFSET_MAX - pool.value_offset) // pool.scale
            wrong = [page for page in row if not BAD_PAGE <= page <= most]
            if wrong:
                raise SizeError(
                    f"Page {wrong[0]} of pool {number} is not between {BAD_PAGE} and {most}.",
                    cause="It is no page of the pool, or its offset does not fit 32 bits.",
                    mend="Pass pages of the pool, and -1 for none.",
                )
        return tuple((*row, *[BAD_PAGE] * (self.width - len(row))) for row in rows)

    def row_at(self, pool: int, slot: int, slot_count: int) -> int:
        """Where the row begins in a table of so many slots."""
        return (pool * slot_count + slot) * self.row_bytes

    def offsets(self, batch: Sequence[Rows]) -> bytes:
        """What the device holds once these requests' full rows have been shipped."""
        shipped = bytearray()
        for number, pool in enumerate(self.pools):
            for rows in batch:
                keys = [page if page < 0 else page * pool.scale for page in rows[number]]
                values = [key if key < 0 else key + pool.value_offset for key in keys]
                shipped += packed(keys) + packed(values)
        return bytes(shipped)


def packed(numbers: Sequence[int]) -> bytes:
    """The numbers, four bytes each."""
    return pack(f"<{len(numbers)}i", *numbers)


def unpacked(data: bytes | memoryview) -> tuple[int, ...]:
    """The numbers in the bytes."""
    return unpack(f"<{len(data) // PAGE_BYTES}i", data)
