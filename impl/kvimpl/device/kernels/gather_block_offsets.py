"""Gather of block offsets: what `gather_block_offsets.cu` takes, and the same kernel in Python.

It decides nothing about when rows may change. Out of `rows[pool][row][column]`, the row that
`copy_index[sequence]` names at execution becomes two rows of `out[pool][sequence][2][column]`:
scaled for keys, and by an offset more for values. Negative indices are passed on unchanged.
Products stay below 2^31: pools are small enough that an offset fits 32 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from struct import pack, unpack

from kvimpl.device.kernels.arguments import pointers, scalars
from kvimpl.device.kernels.source import KernelSource, Pointer, Scalar, Sizes
from kvimpl.device.port.values import Bytes, Mode, Space

BAD_PAGE = -1


def _body(arguments: Sequence[Bytes | int]) -> None:
    out, rows, copy_index, scales, value_offsets = pointers(arguments)
    pool_count, sequence_count, row_count, width = scalars(arguments)
    if not (pool_count and sequence_count and width):
        return
    for pool in range(pool_count):
        (scale,) = _ints(scales, pool, 1)
        (offset,) = _ints(value_offsets, pool, 1)
        for sequence in range(sequence_count):
            (row,) = _ints(copy_index, sequence, 1)
            pages = [BAD_PAGE] * width
            if 0 <= row < row_count:
                pages = _ints(rows, (pool * row_count + row) * width, width)
            keys = [page if page < 0 else page * scale for page in pages]
            values = [key if key < 0 else key + offset for key in keys]
            start = (pool * sequence_count + sequence) * 2 * width
            out.write(pack(f"<{2 * width}i", *keys, *values), 4 * start)


def _ints(words: Bytes, first: int, count: int) -> list[int]:
    return list(unpack(f"<{count}i", words.read(4 * first, 4 * (first + count))))


def _needs(given: Sizes) -> Sizes:
    pools, width = given["pool_count"], given["width"]
    return {
        "out": 8 * pools * given["sequence_count"] * width,
        "rows": 4 * pools * given["row_count"] * width,
        "copy_index": 4 * given["sequence_count"],
        "scales": 4 * pools,
        "value_offsets": 4 * pools,
    }


GATHER_BLOCK_OFFSETS = KernelSource(
    entry="gather_block_offsets",
    path=Path(__file__).with_suffix(".cu"),
    parameters=(
        Pointer("out", Mode.WRITE, Space.DEVICE),
        Pointer("rows", Mode.READ, Space.PINNED),
        Pointer("copy_index", Mode.READ, Space.PINNED),
        Pointer("scales", Mode.READ, Space.DEVICE),
        Pointer("value_offsets", Mode.READ, Space.DEVICE),
        Scalar("pool_count"),
        Scalar("sequence_count"),
        Scalar("row_count"),
        Scalar("width"),
    ),
    needs=_needs,
    work=lambda given: given["pool_count"] * given["sequence_count"] * given["width"],
    body=_body,
)
