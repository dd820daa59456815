"""Whoever judges a run may look at a simulated device without changing the run."""

from __future__ import annotations

from kvcheck.schedule import HostFirst, Recorder
from kvimpl.device.port import Kernel, Mode, Op, Space
from kvimpl.device.sim import POISON, SimDevice


def test_looking_at_bytes_and_queues_takes_no_step_and_is_no_access() -> None:
    record, told = Recorder(HostFirst()), list[Op]()
    dev = SimDevice(record, executed=told.append)
    stream = dev.stream("copies")
    pool = dev.alloc(2, Space.DEVICE, label="pool")
    first = dev.fill(pool.view(), 1, stream, label="one")
    second = dev.fill(pool.view(), 2, stream, label="two")
    taken = len(record.steps)

    assert dev.queued(stream) == (first, second)
    assert dev.peek(pool.view()) != b"\1\1"
    assert len(record.steps) == taken
    dev.synchronize(stream)
    assert dev.queued(stream) == ()
    assert dev.peek(pool.view(1, 2)) == b"\2"
    assert told == [first, second]
    assert dev.quiesce() == ()


def test_bytes_of_a_life_that_is_over_can_be_looked_at() -> None:
    dev = SimDevice(HostFirst())
    pool = dev.alloc(2, Space.DEVICE, label="pool")
    dev.free(pool)

    assert dev.peek(pool.view()) == bytes([POISON]) * 2


def test_the_allocator_notes_copies_and_no_kernels() -> None:
    dev = SimDevice(HostFirst())
    stream = dev.stream("copies")
    pool = dev.alloc(2, Space.DEVICE, label="pool")
    copied, gathered = (dev.alloc(2, Space.PINNED, label=name) for name in ("copied", "gathered"))
    moving = Kernel("moving", (Mode.WRITE, Mode.READ), lambda _: None)
    dev.copy(pool.view(), copied.view(), stream)
    dev.launch(moving, (pool.view(), gathered.view()), stream)

    assert (dev.noted(copied), dev.noted(gathered)) == (("copies",), ())


def test_each_execution_is_told_at_the_step_that_makes_it() -> None:
    steps: list[int] = []
    record = Recorder(HostFirst())
    dev = SimDevice(record, executed=lambda _: steps.append(len(record.steps) - 1))
    dev.fill(dev.alloc(1, Space.DEVICE, label="pool").view(), 1, dev.legacy)
    dev.synchronize()

    assert [record.steps[step].actor for step in steps] == ["legacy"]
