"""Which launches fit a kernel, how they are spread, and the kernels on the simulated device."""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack, unpack

import pytest

from kvcheck.schedule import HostFirst
from kvimpl.device.kernels import (
    COPY_SLOTS,
    GATHER_BLOCK_OFFSETS,
    KERNELS,
    READ_TAGS,
    WRITE_TAGS,
    KernelSource,
    Tag,
    source_of,
)
from kvimpl.device.kernels.source import BLOCKS_MAX, THREADS, Pointer, Scalar
from kvimpl.device.port import Buffer, Kernel, Mode, Space, View
from kvimpl.device.port.errors import LaunchFailed
from kvimpl.device.port.values import Argument
from kvimpl.device.sim import SimDevice, run

TAGS = (Tag(3, 1, b"request3"), Tag(5, 2, b"request5"))


def _view(nbytes: int, space: Space = Space.DEVICE, start: int = 0) -> View:
    return Buffer(1, 1, 1, space, nbytes + start, "bytes").view(start)


def _copy(**changed: Argument) -> Sequence[Argument]:
    given: dict[str, Argument] = {
        "to": _view(40),
        "from": _view(60, Space.PINNED),
        "pairs": _view(16, Space.PINNED),
        "pair_count": 2,
        "to_slots": 2,
        "from_slots": 3,
        "slot_bytes": 20,
    }
    return list((given | changed).values())


def test_a_launch_that_fits_is_not_refused() -> None:
    COPY_SLOTS.refuse_misfit(_copy())


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"to": _view(39)}, "uses 40 bytes of 'to', and bytes#1.1[0:39] has 39"),
        ({"to": _view(40, Space.PAGEABLE)}, "takes device or pinned memory as 'to'"),
        ({"pairs": _view(16, start=2)}, "wants 'pairs' at a multiple of 4 bytes"),
        ({"pair_count": -1}, "takes 'pair_count' in 32 bits without a sign, and was given -1"),
        ({"pair_count": 1 << 32}, "and was given 4294967296"),
        ({"pair_count": 3}, "uses 24 bytes of 'pairs'"),
        ({"from": 7}, "takes a view as 'from' and was given 7"),
        ({"slot_bytes": _view(1)}, "takes an integer as 'slot_bytes'"),
        ({"more": 1}, "takes 7 arguments and was given 8"),
    ],
)
def test_a_launch_that_does_not_fit_is_refused(changed: dict[str, Argument], says: str) -> None:
    with pytest.raises(LaunchFailed) as refused:
        COPY_SLOTS.refuse_misfit(_copy(**changed))
    assert says in str(refused.value)
    assert "nothing was launched" in str(refused.value)


def test_mapped_memory_is_refused_where_the_kernel_may_use_the_read_only_cache() -> None:
    arguments = [_view(8), _view(4), _view(4), _view(4, Space.PINNED), _view(4), 1, 1, 1, 1]
    with pytest.raises(LaunchFailed, match=r"takes device memory as 'scales', and .* is pinned"):
        GATHER_BLOCK_OFFSETS.refuse_misfit(arguments)


@pytest.mark.parametrize(("pairs", "blocks"), [(0, 1), (1, 1), (2, 2), (1 << 20, BLOCKS_MAX)])
def test_the_grid_covers_the_work_and_stays_within_its_limit(pairs: int, blocks: int) -> None:
    grid = COPY_SLOTS.grid(_copy(pair_count=pairs))
    assert (grid.blocks, grid.threads) == ((blocks, 1, 1), (THREADS, 1, 1))


@pytest.mark.parametrize("source", KERNELS, ids=lambda source: source.entry)
def test_a_kernel_and_its_source_lead_to_each_other(source: KernelSource) -> None:
    kernel = source.kernel
    kinds = [p.mode if isinstance(p, Pointer) else None for p in source.parameters]
    names = {p.name for p in source.parameters if isinstance(p, Pointer)}
    sizes = {p.name: 2 for p in source.parameters if isinstance(p, Scalar)}

    assert source_of(kernel) is source
    assert list(kernel.access) == kinds
    assert set(source.needs(sizes)) >= names
    assert f"void {source.entry}(" in source.text


def test_a_kernel_without_a_source_is_refused() -> None:
    with pytest.raises(LaunchFailed, match="only a simulated device can run it"):
        source_of(Kernel("mine", (Mode.READ,), lambda _: None))


def test_a_tag_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit sixteen bytes"):
        Tag(1, 2, b"short").packed()
    assert Tag.unpacked(Tag(7, 9, b"digest 8").packed()) == Tag(7, 9, b"digest 8")


def _filled(device: SimDevice, label: str, data: bytes, space: Space = Space.PINNED) -> View:
    view = device.alloc(len(data), space, label=label).view()
    if space is Space.PINNED:
        device.host_write(view, data)
    return view


def _program(device: SimDevice) -> list[tuple[Tag, int]]:
    """Tags written into a pool, copied to host slots 1 and 0, one byte spoilt, and read there."""
    size = 20
    stream = device.stream("work")
    tags = b"".join(tag.packed() for tag in TAGS)
    pool = device.alloc(2 * size, Space.DEVICE, label="pool").view()
    host = _filled(device, "host", bytes(2 * size))
    table = _filled(device, "table", pack("<2i", 0, 1))
    swap = _filled(device, "swap", pack("<4i", 0, 1, 1, 0))
    seen, intact = _filled(device, "seen", bytes(32)), _filled(device, "intact", bytes(16))
    for source, arguments in (
        (WRITE_TAGS, (pool, table, _filled(device, "tags", tags), 2, 2, size)),
        (COPY_SLOTS, (host, pool, swap, 2, 2, 2, size)),
    ):
        source.refuse_misfit(arguments)
        device.launch(source.kernel, arguments, stream, grid=source.grid(arguments))
    device.synchronize(stream)
    device.host_write(host.buffer.view(17, 18), b"?")
    device.launch(READ_TAGS.kernel, (seen, intact, host, table, 2, 2, size), stream)
    device.synchronize(stream)
    found, whole = device.host_read(seen), unpack("<2Q", device.host_read(intact))
    return [(Tag.unpacked(found[16 * n : 16 * n + 16]), whole[n]) for n in range(2)]


def test_tags_go_through_copies_on_the_simulated_device_and_a_torn_slot_shows() -> None:
    ran = run(_program, HostFirst())

    assert ran.findings == ()
    assert ran.outcome == [(TAGS[1], 17), (TAGS[0], 20)]


def _gathered(device: SimDevice) -> tuple[int, ...]:
    out = device.alloc(16, Space.DEVICE, label="out").view()
    back = _filled(device, "back", bytes(16))
    rows = _filled(device, "rows", pack("<4i", 5, 6, 7, -1))
    index = _filled(device, "index", pack("<i", 1))
    scales = device.alloc(4, Space.DEVICE, label="scales").view()
    offsets = device.alloc(4, Space.DEVICE, label="offsets").view()
    stream = device.stream("work")
    device.copy(scales, _filled(device, "three", pack("<i", 3)), stream)
    device.copy(offsets, _filled(device, "ten", pack("<i", 10)), stream)
    arguments = (out, rows, index, scales, offsets, 1, 1, 2, 2)
    device.launch(GATHER_BLOCK_OFFSETS.kernel, arguments, stream)
    device.copy(back, out, stream)
    device.synchronize(stream)
    return unpack("<4i", device.host_read(back))


def test_the_gather_scales_keys_offsets_values_and_passes_a_bad_page_on() -> None:
    ran = run(_gathered, HostFirst())

    assert ran.findings == ()
    assert ran.outcome == (21, -1, 31, -1)
