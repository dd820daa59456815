"""The staging designs of `tests/fake/torch_litmus.py` on the simulated device.

It decides whether some order of a design's work is a race there. A design is the same calls as its
namesake in torch: a host row filled at each of three steps, shipped by a copy (v1) or read by a
kernel (v2), out of a buffer that is kept, or of a fresh one that goes back to the pool.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from kvcheck.schedule import Budget, Reach, explore
from kvimpl.device.port import Buffer, Bytes, Kernel, Mark, Mode, Space
from kvimpl.device.port.steps import Schedule
from kvimpl.device.sim import SimDevice, run

STEPS, ROW, RUNS_MAX = 3, 16, 2_000
COPIED = "v2 fresh, then copied"
EARLY = "v2 event before the gather"
UNASKED = "v2 retired without a query"
ELSEWHERE = "v2 event on another stream"
INDEX, REBOUND = "v2 index in place", "v2 slot rebound at once"
REQUESTS = (0, 0, 1)
"""Whose rows the slot holds, step by step."""
DESIGNS: Mapping[str, bool] = MappingProxyType(
    {
        "v1 persistent": True,
        "v1 fresh": False,
        "v2 persistent": True,
        "v2 naive fresh": True,
        "v2 guarded": False,
        COPIED: False,
        EARLY: True,
        UNASKED: True,
        ELSEWHERE: True,
        INDEX: True,
        REBOUND: True,
    }
)
"""The designs, and whether they are racy."""

RETIRES = ("v2 guarded", EARLY, UNASKED, ELSEWHERE, INDEX)


def _gather(arguments: Sequence[Bytes | int]) -> None:
    target, source = arguments
    assert not isinstance(target, int)
    assert not isinstance(source, int)
    target.write(source.read())


GATHER = Kernel("gather", (Mode.WRITE, Mode.READ), _gather)


def staged(dev: SimDevice, design: str) -> None:
    """Three steps of one design."""
    stream, other = dev.stream("compute"), dev.stream("other")
    kept = dev.alloc(ROW, Space.PINNED, label="rows")
    index = dev.alloc(ROW, Space.PINNED, label="index")
    retired: deque[tuple[Mark, Buffer]] = deque()
    reading: dict[int, Mark] = {}
    for step in range(STEPS):
        is_fresh = "persistent" not in design and design != REBOUND
        rows = dev.alloc(ROW, Space.PINNED, label="rows") if is_fresh else kept
        table = dev.alloc(ROW, Space.DEVICE, label="table")
        if design == REBOUND and REQUESTS[step] in reading:
            dev.synchronize(reading[REQUESTS[step]])
        dev.host_write(rows.view(), bytes([step]) * ROW)
        early = dev.record(dev.event("early"), stream)
        if design.startswith("v1"):
            dev.copy(table.view(), rows.view(), stream)
        else:
            dev.launch(GATHER, (table.view(), rows.view()), stream)
        if design == INDEX:
            dev.host_write(index.view(), bytes([step]) * ROW)
            where = dev.alloc(ROW, Space.DEVICE, label="where")
            dev.launch(GATHER, (where.view(), index.view()), stream)
        if design == COPIED:
            spare = dev.alloc(ROW, Space.DEVICE, label="spare")
            dev.copy(spare.view(), rows.view(), stream)
        late = dev.record(dev.event("late"), other if design == ELSEWHERE else stream)
        reading[REQUESTS[step]] = late
        if design in RETIRES:
            retired.append((early if design == EARLY else late, rows))
            while retired and (design == UNASKED or dev.query(retired[0][0])):
                dev.free(retired.popleft()[1])
        elif is_fresh:
            dev.free(rows)
    dev.synchronize()


def overlapping(dev: SimDevice) -> None:
    """Two streams write bytes of one buffer through views that begin at different places."""
    whole = dev.alloc(ROW, Space.DEVICE, label="whole")
    source = dev.alloc(ROW, Space.DEVICE, label="source")
    dev.copy(whole.view(), source.view(), dev.stream("a"))
    dev.copy(whole.view(ROW // 2, ROW), source.view(ROW // 2, ROW), dev.stream("b"))


def is_reported(program: Callable[[SimDevice], None]) -> bool:
    """Whether some order of the program's work reports a race; every order is tried."""
    found = []

    def once(schedule: Schedule) -> int:
        ran = run(program, schedule)
        if ran.error is not None:
            raise ran.error
        found.append(bool(ran.findings))
        return 0

    assert explore(once, budget=Budget(runs=RUNS_MAX)).reach is Reach.EXHAUSTED
    return any(found)
