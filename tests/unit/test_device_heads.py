"""What is offered to a schedule at each step is every stream's first operation that may execute."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from kvcheck.schedule import Random
from kvimpl.device.port import Space
from kvimpl.device.port.errors import DeviceStuck
from kvimpl.device.port.steps import Pending
from kvimpl.device.sim import SimDevice, SimOptions, StuckStream
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
                case _:
                    device.fill(buffer.view(), rng.randrange(9), stream)

    other = device.spawn("other", work) if seed % 2 else None
    work()
    if other is not None:
        other.join()
    device.synchronize(rng.choice((None, *streams)))
    work()
    device.quiesce()


@pytest.mark.parametrize("stuck", [None, "late", "last"])
def test_the_heads_of_streams_are_offered_by_age_and_no_others(stuck: str | None) -> None:
    offers, waits, stopped = 0, 0, 0
    for seed in range(20):
        schedule = Comparing(seed)
        faults = () if stuck is None else (StuckStream(stuck, after=2),)
        schedule.device = device = SimDevice(schedule, SimOptions(faults=faults))
        try:
            play(device, seed)
        except DeviceStuck:
            stopped += 1
        device.abandon()
        offers, waits = offers + schedule.offers, waits + schedule.waits
    assert offers > 500
    assert waits > 100
    assert (stopped > 0) is (stuck is not None)
