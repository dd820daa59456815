"""Buffers have one life each: late, double, foreign and undeclared use is refused or found."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from kvcheck.schedule import Eager, HostFirst
from kvimpl.device.port import (
    Bytes,
    Finding,
    FindingKind,
    Kernel,
    Mode,
    OutOfMemory,
    Refused,
    Space,
    StaleHandle,
    View,
)
from kvimpl.device.port.errors import DeviceFailed, ForeignHandle
from kvimpl.device.port.steps import Schedule
from kvimpl.device.sim import POISON, PinnedAllocator, SimDevice, SimOptions, run


def _copy(arguments: Sequence[Bytes | int]) -> None:
    target, source = arguments
    assert not isinstance(target, int)
    assert not isinstance(source, int)
    target.write(source.read())


COPY = Kernel("copying", (Mode.WRITE, Mode.READ), _copy)


def device(schedule: Schedule | None = None, **options: object) -> SimDevice:
    return SimDevice(schedule or HostFirst(), SimOptions(**options))  # type: ignore[arg-type]


def kinds(findings: Sequence[Finding]) -> set[FindingKind]:
    return {finding.kind for finding in findings}


def test_freed_bytes_are_poisoned_and_the_late_reader_is_named() -> None:
    dev = device(pinned=PinnedAllocator.PLAIN)
    stream = dev.stream("s1")
    source = dev.alloc(4, Space.PINNED, label="stage")
    target = dev.alloc(4, Space.PINNED, label="row")
    dev.host_write(source.view(), b"good")
    dev.launch(COPY, (target.view(), source.view()), stream)

    dev.free(source)
    findings = dev.quiesce()

    assert dev.host_read(target.view()) == bytes([POISON]) * 4
    assert kinds(findings) == {FindingKind.USE_AFTER_FREE}
    (finding,) = findings
    assert finding.second is not None
    assert (finding.first.does, finding.first.actor) == ("free of stage", "host")
    assert (finding.second.does, finding.second.actor) == ("copying", "s1")
    assert "test_device_lifetimes.py" in str(finding)
    assert finding.first.step < finding.second.step


def test_a_free_that_only_happened_to_be_late_enough_is_found() -> None:
    dev = device(Eager(), pinned=PinnedAllocator.PLAIN)
    stream = dev.stream("s1")
    source = dev.alloc(4, Space.PINNED, label="stage")
    target = dev.alloc(4, Space.PINNED, label="row")
    dev.host_write(source.view(), b"good")
    dev.launch(COPY, (target.view(), source.view()), stream)
    dev.pause("the kernel executes here")

    dev.free(source)

    assert kinds(dev.quiesce()) == {FindingKind.USE_AFTER_FREE}
    assert dev.host_read(target.view()) == b"good"


def test_a_second_free_and_a_use_after_it_are_refused_without_effect() -> None:
    dev = device()
    stream = dev.stream("s1")
    buffer = dev.alloc(4, Space.PINNED, label="stage")
    dev.free(buffer)
    successor = dev.alloc(4, Space.PINNED, label="stage")

    assert (successor.memory, successor.generation) == (buffer.memory, buffer.generation + 1)
    for use in (
        lambda: dev.free(buffer),
        lambda: dev.host_read(buffer.view()),
        lambda: dev.copy(successor.view(), buffer.view(), stream),
        lambda: dev.launch(COPY, (buffer.view(), successor.view()), stream),
    ):
        with pytest.raises(StaleHandle, match=r"stage#1\.1 is over: it was freed at step 1"):
            use()
    dev.host_write(successor.view(), b"mine")
    assert dev.quiesce() == ()


@pytest.mark.parametrize("call", ["free", "read", "copy"])
def test_a_handle_of_another_device_is_refused(call: str) -> None:
    dev, other = device(), device()
    foreign = other.alloc(4, Space.PINNED, label="theirs")
    own = dev.alloc(4, Space.PINNED, label="ours")
    calls: dict[str, Callable[[], object]] = {
        "free": lambda: dev.free(foreign),
        "read": lambda: dev.host_read(foreign.view()),
        "copy": lambda: dev.copy(own.view(), foreign.view(), dev.legacy),
    }

    with pytest.raises(ForeignHandle, match="not a buffer of this device"):
        calls[call]()


def test_streams_events_and_marks_of_another_device_are_refused() -> None:
    dev, other = device(), device()
    event = other.event("e")
    mark = other.record(event, other.legacy)

    for handle in (other.legacy, event, mark):
        with pytest.raises(ForeignHandle):
            dev.query(handle)
        with pytest.raises(ForeignHandle):
            dev.synchronize(handle)


@pytest.mark.parametrize("nbytes", [0, -1])
def test_a_buffer_of_no_bytes_is_refused(nbytes: int) -> None:
    with pytest.raises(Refused, match="at least one byte"):
        device().alloc(nbytes, Space.DEVICE, label="nothing")


@pytest.mark.parametrize("span", [(0, 0), (3, 2), (-1, 2), (0, 5)])
def test_a_view_that_is_no_range_of_its_buffer_is_refused(span: tuple[int, int]) -> None:
    buffer = device().alloc(4, Space.DEVICE, label="four")

    with pytest.raises(ValueError, match=r"are not a range of four#1\.1"):
        buffer.view(*span)


@pytest.mark.parametrize("rules", PinnedAllocator)
@pytest.mark.parametrize("space", Space)
def test_a_pool_larger_than_the_memory_is_refused_and_freeing_makes_room(
    space: Space, rules: PinnedAllocator
) -> None:
    dev = device(capacity={space: 64}, pinned=rules)
    kept = dev.alloc(32, space, label="kept")
    with pytest.raises(OutOfMemory, match="64 bytes of"):
        dev.alloc(64, space, label="pool")
    dev.free(kept)

    dev.alloc(64, space, label="pool")


def test_device_memory_is_not_the_hosts() -> None:
    dev = device()
    buffer = dev.alloc(4, Space.DEVICE, label="pool")

    with pytest.raises(Refused, match="device memory, which the host cannot use in place"):
        dev.host_read(buffer.view())


def test_a_host_view_serves_no_longer_than_its_block_and_only_as_declared() -> None:
    dev = device()
    buffer = dev.alloc(4, Space.PINNED, label="stage")

    with dev.host(buffer.view(), Mode.READ) as data, pytest.raises(TypeError):
        data[0] = 1
    with pytest.raises(ValueError, match="released"):
        data[0]


def test_a_host_access_lasts_as_long_as_its_block() -> None:
    dev = device()
    stream = dev.stream("s1")
    buffer = dev.alloc(4, Space.PINNED, label="stage")
    target = dev.alloc(4, Space.DEVICE, label="row")

    with dev.host(buffer.view(), Mode.WRITE) as data:
        dev.copy(target.view(), buffer.view(), stream)
        data[:] = b"late"

    assert kinds(dev.quiesce()) == {FindingKind.RACE}


def test_ends_of_a_copy_and_a_host_write_have_one_length() -> None:
    dev = device()
    buffer = dev.alloc(4, Space.PINNED, label="stage")

    with pytest.raises(Refused, match="one length"):
        dev.copy(buffer.view(0, 2), buffer.view(1, 4), dev.legacy)
    with pytest.raises(Refused, match="lengths must be equal"):
        dev.host_write(buffer.view(), b"much too long")


def _reads_its_output(arguments: Sequence[Bytes | int]) -> None:
    target, source = arguments
    assert not isinstance(target, int)
    assert not isinstance(source, int)
    target.write(bytes(a | b for a, b in zip(target.read(), source.read(), strict=True)))


def _writes_its_input(arguments: Sequence[Bytes | int]) -> None:
    _, source = arguments
    assert not isinstance(source, int)
    source.write(b"x")


def _writes_the_neighbour(arguments: Sequence[Bytes | int]) -> None:
    target, _ = arguments
    assert not isinstance(target, int)
    target.write(b"x", target.nbytes)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (_reads_its_output, "only writes pool#1.1[0:4]"),
        (_writes_its_input, "only reads pool#1.1[4:8]"),
        (_writes_the_neighbour, "declares only pool#1.1[0:4]"),
        (_copy, None),
    ],
)
def test_a_kernel_that_touches_undeclared_bytes_is_found(
    body: Callable[[Sequence[Bytes | int]], None], says: str | None
) -> None:
    dev = device()
    pool = dev.alloc(8, Space.DEVICE, label="pool")
    wrong = Kernel("wrong", (Mode.WRITE, Mode.READ), body)
    dev.launch(wrong, (pool.view(0, 4), pool.view(4, 8)), dev.legacy)

    findings = dev.quiesce()

    assert kinds(findings) == ({FindingKind.UNDECLARED} if says else set())
    assert says is None or says in str(findings[0])


def test_a_kernel_at_an_address_without_memory_fails_the_device() -> None:
    dev = device()
    pool = dev.alloc(8, Space.DEVICE, label="pool")

    def wild(arguments: Sequence[Bytes | int]) -> None:
        assert not isinstance(arguments[0], int)
        arguments[0].read(100, 104)

    dev.launch(Kernel("wild", (Mode.READ,), wild), (pool.view(),), dev.legacy)

    with pytest.raises(DeviceFailed, match=r"wild on legacy failed.*no bytes 100 to 104"):
        dev.synchronize()


def test_a_kernel_that_keeps_its_argument_cannot_use_it_later() -> None:
    dev = device()
    pool = dev.alloc(8, Space.DEVICE, label="pool")
    kept: list[Bytes] = []

    def keeper(arguments: Sequence[Bytes | int]) -> None:
        kept.extend(a for a in arguments if not isinstance(a, int))

    def user(_: Sequence[Bytes | int]) -> None:
        kept[0].read()

    dev.launch(Kernel("keeper", (Mode.READ,), keeper), (pool.view(),), dev.legacy)
    dev.launch(Kernel("user", (), user), (), dev.legacy)

    with pytest.raises(DeviceFailed, match="beyond its execution"):
        dev.synchronize()


@pytest.mark.parametrize("arguments", [(), (1, 2), "wrong order"])
def test_a_launch_with_other_arguments_than_declared_is_refused(arguments: object) -> None:
    dev = device()
    view = dev.alloc(4, Space.DEVICE, label="row").view()
    setting = Kernel("setting", (Mode.WRITE, None), _copy)
    passed = (1, view) if arguments == "wrong order" else arguments

    with pytest.raises(Refused, match="'setting' declares 2 arguments"):
        dev.launch(setting, passed, dev.legacy)  # type: ignore[arg-type]


def test_a_body_that_calls_the_device_fails_it() -> None:
    dev = device()
    dev.host_call(lambda _: dev.synchronize(), [], dev.legacy, label="calls back")

    with pytest.raises(DeviceFailed, match="CUDA allows no call to the device there"):
        dev.synchronize()


def test_live_buffers_at_the_close_are_leaks_and_freed_ones_are_not() -> None:
    dev = device()
    dev.free(dev.alloc(4, Space.DEVICE, label="freed"))
    dev.alloc(4, Space.DEVICE, label="kept")

    (finding,) = dev.close()

    assert finding.kind is FindingKind.LEAK
    assert str(finding) == "leak: kept#2.1 (4 bytes, device) was never freed"
    with pytest.raises(Refused, match="closed"):
        dev.alloc(4, Space.DEVICE, label="more")


def staged_copies(dev: SimDevice) -> bytes:
    """A fresh pinned buffer each time, freed at once, as code that trusts its allocator does."""
    stream = dev.stream("s1")
    rows = []
    for number in range(3):
        stage = dev.alloc(1, Space.PINNED, label=f"stage{number}")
        row = dev.alloc(1, Space.DEVICE, label=f"row{number}")
        dev.host_write(stage.view(), bytes([number]))
        dev.copy(row.view(), stage.view(), stream)
        dev.free(stage)
        rows.append(row)
    back = dev.alloc(3, Space.PINNED, label="back")
    for number, row in enumerate(rows):
        dev.copy(back.view(number, number + 1), row.view(), stream)
    dev.synchronize(stream)
    return dev.host_read(back.view())


@pytest.mark.parametrize(
    ("rules", "is_right"),
    [(PinnedAllocator.TORCH, True), (PinnedAllocator.CUPY, False), (PinnedAllocator.PLAIN, False)],
)
def test_only_torchs_allocator_keeps_what_a_copy_reads(
    rules: PinnedAllocator, is_right: bool
) -> None:
    ran = run(staged_copies, HostFirst(), SimOptions(pinned=rules))

    assert (ran.outcome == bytes(range(3))) == is_right
    assert (ran.findings == ()) == is_right


@pytest.mark.parametrize("schedule", [Eager, HostFirst])
@pytest.mark.parametrize("is_joined", [True, False])
def test_a_retired_buffer_used_where_the_allocator_does_not_look_is_found(
    schedule: type[Eager] | type[HostFirst], is_joined: bool
) -> None:
    dev = device(schedule())
    noted, other = dev.stream("noted"), dev.stream("other")
    stage = dev.alloc(4, Space.PINNED, label="stage")
    rows = [dev.alloc(4, Space.DEVICE, label=f"row{k}") for k in range(2)]
    gate = dev.event("gate")
    dev.copy(rows[0].view(), stage.view(), noted)
    dev.launch(COPY, (rows[1].view(), stage.view()), other)
    if is_joined:
        dev.record(gate, other)
        dev.wait(noted, gate)
    dev.free(stage)

    assert kinds(dev.quiesce()) == (set() if is_joined else {FindingKind.UNPROTECTED})


def test_capacity_counts_what_is_in_use() -> None:
    dev = device(capacity={Space.DEVICE: 8})
    for _ in range(3):
        dev.free(dev.alloc(8, Space.DEVICE, label="pool"))

    assert dev.close() == ()


def test_views_print_as_a_reader_would_point_at_them() -> None:
    buffer = device().alloc(8, Space.DEVICE, label="pool")

    assert str(View(buffer, 2, 6)) == "pool#1.1[2:6]"
