"""What is offered to a schedule at each step is every stream's first operation that may execute."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from kvcheck.schedule import Random
from kvimpl.device.port import Space
from kvimpl.device.port.errors import DeviceFailed, DeviceStuck
from kvimpl.device.port.steps import Pending
from kvimpl.device.sim import CopyFault, SimDevice, SimOptions, StuckStream
from kvimpl.device.sim.queues import Queue


class Comparing:
    "Chooses at random, and compares what is offered with a look at every stream."

    def __init__(self, seed: int) -> None:
        self.device: SimDevice
        self.random, self.offers, self.waits = Random(seed), 0, 0

    def pick(self, pending: Sequence[Pending]) -> int:
        offered = [one for one in pending if not one.is_host]
        assert pending[: len(pending) - len(offered)] == [one for one in pending if one.is_host]
        queues: list[Queue] = self.device._queues.all
        busy = [q for q in queues if q.work and q.executed != q.stops_after]
        free = [q for q in busy if all(awaited.done for awaited in q.work[0].waits)]
        assert offered == [q.work[0].pending for q in free]
        self.offers += len(offered)
        self.waits += len(busy) - len(free)
        return self.random.pick(pending)


def play(device: SimDevice, seed: int) -> None:
    "Random work on streams that wait for each other, and two tasks that share them."
    rng = random.Random(seed)
    streams = [
        device.stream("early", blocking=True),
        device.stream("late"),
        device.stream("last", blocking=True),
        device.legacy,
    ]
    buffer = device.alloc(8, Space.DEVICE, label="bytes")
    event = device.event("so far")
    mark = device.record(event, streams[1])

    def work() -> None:
        nonlocal mark
        for _ in range(12):
            stream = rng.choice(streams)
            match rng.randrange(5):
                case 0:
                    mark = device.record(event, stream)
                case 1:
                    device.wait(stream, rng.choice((mark, event)))
                case 2:
                    device.query(mark)
                case 3:
                    device.copy(buffer.view(0, 4), buffer.view(4, 8), stream)
                case _:
                    device.fill(buffer.view(), rng.randrange(9), stream)

    other = device.spawn("other", work) if seed % 2 else None
    work()
    if other is not None:
        other.join()
    device.synchronize(rng.choice((None, *streams)))
    work()
    device.quiesce()


FAULTS: dict[str, tuple[StuckStream | CopyFault, ...]] = {
    "none": (),
    "a stream that stops": (StuckStream("late", after=2),),
    "a fenced stream that stops": (StuckStream("last", after=2),),
    "a copy that fails the device": (CopyFault(3),),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_heads_of_streams_are_offered_by_age_and_no_others(fault: str) -> None:
    offers, waits, ended = 0, 0, 0
    for seed in range(20):
        schedule = Comparing(seed)
        options = SimOptions(faults=FAULTS[fault])
        schedule.device = device = SimDevice(schedule, options)
        try:
            play(device, seed)
        except (DeviceStuck, DeviceFailed):
            ended += 1
        device.abandon()
        offers, waits = offers + schedule.offers, waits + schedule.waits
    assert offers > 500
    assert waits > 50
    assert (ended > 0) is (fault != "none")
