"""A device that fails says so at the calls that meet it, and refusals leave no effect."""

from __future__ import annotations

import pytest

from kvcheck.schedule import Budget, Eager, HostFirst, explore
from kvimpl.device.port import DeviceFailed, Kernel, OutOfMemory, Space
from kvimpl.device.port.errors import DeviceStuck, LaunchFailed
from kvimpl.device.port.steps import Schedule
from kvimpl.device.sim import (
    AllocationFault,
    CopyFault,
    Fault,
    LaunchFault,
    SimDevice,
    SimOptions,
    StuckStream,
    run,
)

NOTHING = Kernel("nothing", (), lambda _: None)


def device(*faults: Fault, schedule: Schedule | None = None) -> SimDevice:
    return SimDevice(schedule or HostFirst(), SimOptions(faults=faults))


def test_a_refused_launch_enqueues_nothing_and_the_next_one_works() -> None:
    dev = device(LaunchFault(2))
    ran: list[int] = []
    kernels = [Kernel(f"k{n}", (), lambda _, n=n: ran.append(n)) for n in range(3)]

    dev.launch(kernels[0], (), dev.legacy)
    with pytest.raises(LaunchFailed, match="launch 2 of this device, 'k1', was refused"):
        dev.launch(kernels[1], (), dev.legacy)
    dev.launch(kernels[2], (), dev.legacy)
    dev.synchronize()

    assert ran == [0, 2]


def test_a_failed_allocation_takes_no_memory() -> None:
    options = SimOptions(faults=(AllocationFault(1),), capacity={Space.DEVICE: 8})
    dev = SimDevice(HostFirst(), options)

    with pytest.raises(OutOfMemory, match="'pool' of 8 bytes"):
        dev.alloc(8, Space.DEVICE, label="pool")

    dev.alloc(8, Space.DEVICE, label="pool")


def test_a_copy_that_fails_half_way_leaves_its_first_bytes_and_a_failed_device() -> None:
    dev = device(CopyFault(2, moves=3))
    source = dev.alloc(8, Space.PINNED, label="source")
    target = dev.alloc(8, Space.PINNED, label="target")
    middle = dev.alloc(8, Space.DEVICE, label="middle")
    dev.host_write(source.view(), b"abcdefgh")
    dev.host_write(target.view(), b"--------")
    dev.copy(middle.view(), source.view(), dev.legacy)
    dev.copy(target.view(), middle.view(), dev.legacy, label="onboard")
    event = dev.event("e")
    mark = dev.record(event, dev.legacy)

    for _ in range(2):
        with pytest.raises(DeviceFailed, match=r"onboard on legacy failed.*3 of 8 bytes"):
            dev.synchronize(mark)
    with pytest.raises(DeviceFailed):
        dev.query(mark)
    with pytest.raises(DeviceFailed):
        dev.launch(NOTHING, (), dev.legacy)

    assert dev.host_read(target.view()) == b"abc-----"
    dev.free(source)


def test_a_failure_is_met_by_the_first_call_after_it_not_before() -> None:
    dev = device(CopyFault(1), schedule=Eager())
    source = dev.alloc(8, Space.PINNED, label="source")
    middle = dev.alloc(8, Space.DEVICE, label="middle")
    dev.copy(middle.view(), source.view(), dev.legacy)

    with pytest.raises(DeviceFailed):
        dev.launch(NOTHING, (), dev.legacy)


def test_waiting_for_a_stuck_stream_ends_by_saying_what_is_stuck() -> None:
    dev = device(StuckStream("copies", after=1))
    stream = dev.stream("copies")
    dev.launch(NOTHING, (), stream)
    dev.synchronize(stream)
    dev.launch(NOTHING, (), stream)
    assert not dev.query(stream)
    dev.launch(NOTHING, (), dev.legacy)
    dev.synchronize(dev.legacy)

    with pytest.raises(DeviceStuck, match=r"'copies' has 1 operations left, the first.*'nothing'"):
        dev.synchronize(stream)


def test_a_stuck_stream_holds_back_who_waits_for_it() -> None:
    dev = device(StuckStream("copies"))
    stream, event = dev.stream("copies"), dev.event("e")
    dev.launch(NOTHING, (), stream)
    dev.record(event, stream)
    dev.wait(dev.legacy, event)

    with pytest.raises(DeviceStuck, match="'legacy' has 1 operations left"):
        dev.synchronize(dev.legacy)


def test_every_moment_at_which_a_failure_can_be_met_is_explored() -> None:
    """The copy's failure is seen by the query, or only by the last wait; by nothing else."""

    def program(dev: SimDevice) -> str:
        source = dev.alloc(8, Space.PINNED, label="source")
        middle = dev.alloc(8, Space.DEVICE, label="middle")
        dev.copy(middle.view(), source.view(), dev.legacy)
        try:
            dev.query(dev.legacy)
        except DeviceFailed:
            return "at the query"
        try:
            dev.synchronize()
        except DeviceFailed:
            return "at the wait"
        return "never"

    def once(schedule: Schedule) -> str | None:
        options = SimOptions(faults=(CopyFault(1),))
        return run(lambda dev: outcomes.append(program(dev)), schedule, options) and outcomes[-1]

    outcomes: list[str] = []
    explored = explore(once, budget=Budget(runs=100))

    assert set(explored.outcomes) == {"at the query", "at the wait"}
