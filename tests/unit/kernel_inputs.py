"""Launches of the kernels, drawn by Hypothesis, and what the body in Python makes of them."""

from __future__ import annotations

from struct import pack

from hypothesis import strategies as st

from kvimpl.device.kernels import KernelSource, Pointer
from kvimpl.device.kernels.twin import Launch

SIZES = st.sampled_from((0, 1, 3, 4, 15, 16, 17, 32, 45, 64))
SPREADS = st.tuples(st.integers(1, 3), st.sampled_from((1, 2, 7, 32)), st.integers(0, 2**32))


class Held:
    """The bytes of one argument; a body that leaves its range or its declaration fails the test."""

    def __init__(self, data: bytes, pointer: Pointer) -> None:
        self.data = bytearray(data)
        self.pointer = pointer

    @property
    def nbytes(self) -> int:
        """The length of the argument."""
        return len(self.data)

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        """A copy of the bytes."""
        end = self.nbytes if stop is None else stop
        assert self.pointer.mode.reads
        assert 0 <= start <= end <= self.nbytes
        return bytes(self.data[start:end])

    def write(self, data: bytes, start: int = 0) -> None:
        """Change the bytes."""
        assert self.pointer.mode.writes
        assert 0 <= start <= start + len(data) <= self.nbytes
        self.data[start : start + len(data)] = data


def expected(source: KernelSource, launch: Launch) -> dict[str, bytes]:
    """What the body in Python leaves in the bytes that may be written."""
    held = {
        p.name: Held(launch.bytes[p.name], p) for p in source.parameters if isinstance(p, Pointer)
    }
    source.body(
        [held[p.name] if p.name in held else launch.scalars[p.name] for p in source.parameters]
    )
    return {name: bytes(each.data) for name, each in held.items() if each.pointer.mode.writes}


@st.composite
def gathers(draw: st.DrawFn) -> Launch:
    """Pools, sequences and rows from none up; row indices also where there is no row."""
    pools, sequences, rows, width = (draw(st.integers(0, 4)) for _ in range(4))
    pages = draw(_words(pools * rows * width, -1, 500))
    index = draw(_words(sequences, -2, rows + 1))
    return _spread(
        draw,
        {
            "out": b"\xdb" * (8 * pools * sequences * width),
            "rows": pages,
            "copy_index": index,
            "scales": draw(_words(pools, 1, 9)),
            "value_offsets": draw(_words(pools, 0, 99)),
        },
        {"pool_count": pools, "sequence_count": sequences, "row_count": rows, "width": width},
    )


@st.composite
def tag_writes(draw: st.DrawFn) -> Launch:
    """Pages with distinct slots, some of which do not exist."""
    slots, size = draw(st.integers(0, 4)), draw(SIZES)
    table = draw(st.lists(st.integers(-2, slots + 1), unique=True, max_size=6))
    return _spread(
        draw,
        {
            "slots": b"\xdb" * (slots * size),
            "page_table": _packed(table),
            "tags": draw(_exactly(16 * len(table))),
        },
        {"page_count": len(table), "slot_count": slots, "slot_bytes": size},
    )


@st.composite
def tag_reads(draw: st.DrawFn) -> Launch:
    """Slots that repeat a tag, up to a byte that may be another."""
    slots, size = draw(st.integers(0, 4)), draw(SIZES)
    table = draw(st.lists(st.integers(-2, slots + 1), max_size=6))
    held = bytearray()
    for _ in range(slots):
        slot = bytearray((draw(_exactly(16)) * 4)[:size])
        if size and draw(st.booleans()):
            slot[draw(st.integers(0, size - 1))] ^= 1
        held += slot
    return _spread(
        draw,
        {
            "tags": b"\xdb" * (16 * len(table)),
            "intact": b"\xdb" * (8 * len(table)),
            "slots": bytes(held),
            "page_table": _packed(table),
        },
        {"page_count": len(table), "slot_count": slots, "slot_bytes": size},
    )


@st.composite
def copies(draw: st.DrawFn) -> Launch:
    """Pairs with distinct targets; sources and targets that do not exist are among them."""
    here, there, size = draw(st.integers(0, 4)), draw(st.integers(0, 4)), draw(SIZES)
    targets = draw(st.lists(st.integers(-2, there + 1), unique=True, max_size=6))
    pairs = [word for t in targets for word in (draw(st.integers(-2, here + 1)), t)]
    return _spread(
        draw,
        {
            "to": b"\xdb" * (there * size),
            "from": draw(_exactly(here * size)),
            "pairs": _packed(pairs),
        },
        {"pair_count": len(targets), "to_slots": there, "from_slots": here, "slot_bytes": size},
    )


LAUNCHES = {
    "gather_block_offsets": gathers(),
    "write_tags": tag_writes(),
    "read_tags": tag_reads(),
    "copy_slots": copies(),
}


def _spread(draw: st.DrawFn, data: dict[str, bytes], scalars: dict[str, int]) -> Launch:
    blocks, threads, seed = draw(SPREADS)
    return Launch(data, scalars, blocks=blocks, threads=threads, seed=seed)


def _exactly(count: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=count, max_size=count)


def _words(count: int, low: int, high: int) -> st.SearchStrategy[bytes]:
    return st.lists(st.integers(low, high), min_size=count, max_size=count).map(_packed)


def _packed(words: list[int]) -> bytes:
    return pack(f"<{len(words)}i", *words)
