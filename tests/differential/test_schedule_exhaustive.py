"""Exhaustive schedules against brute force: on random small programs both see the same outcomes.

Brute force runs every order of every step; it knows nothing of conflicts, so a touch that the
device does not declare, or a race that the reduction does not see, shows up as a lost outcome.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from kvcheck.schedule import Budget, Reach, Reduction, explore
from kvimpl.device.port import Buffer, DeviceError, Event, Kernel, Mode, Space, Stream
from kvimpl.device.sim import (
    AllocationFault,
    CopyFault,
    Fault,
    LaunchFault,
    Pageable,
    PinnedAllocator,
    SimDevice,
    SimOptions,
    StuckStream,
    run,
)

RUNS_MAX = 1_500
SIZE = 4


class Line(NamedTuple):
    """One statement of a random program."""

    verb: str
    stream: int
    a: int
    b: int
    e: int


class Plan(NamedTuple):
    """A random program: its streams (is each blocking?), its tasks, its options."""

    seed: int
    blocking: tuple[bool, ...]
    tasks: tuple[tuple[Line, ...], ...]
    options: SimOptions


def copy_body(arguments: object) -> None:
    target, source = arguments  # type: ignore[misc]
    target.write(source.read())


COPY = Kernel("copying", (Mode.WRITE, Mode.READ), copy_body)
ONE_TASK = ("copy", "copy", "kernel", "write", "read", "record", "wait", "query", "sync", "call")
POOL = ("new", "new", "free", "free", "copy", "copy", "kernel", "write", "query", "sync")
TWO_TASKS = ("copy", "write", "read", "record", "wait", "query", "sync", "locked", "swap", "tail")


FAULTS: tuple[tuple[Fault, ...], ...] = (
    (CopyFault(1, moves=1),),
    (CopyFault(2, moves=1),),
    (LaunchFault(1),),
    (AllocationFault(6),),
    (StuckStream("s0", after=1),),
)


def plans(
    verbs: tuple[str, ...], tasks: int, lines: int, *, faults: bool = False
) -> Iterator[Plan]:
    """Random programs without end, always the same ones."""
    for seed in range(10**9):
        r = random.Random(f"{verbs}{tasks}{seed}")
        streams = r.choice([1, 2, 2])
        options = SimOptions(
            pageable=r.choice(list(Pageable)),
            pinned=r.choice([PinnedAllocator.TORCH, *PinnedAllocator]),
            faults=r.choice(FAULTS) if faults else (),
        )
        blocking = tuple(r.random() < 0.3 for _ in range(streams))
        yield Plan(
            seed,
            blocking,
            tuple(
                tuple(
                    Line(r.choice(verbs), *(r.randrange(n) for n in (streams, 3, 3, 2)))
                    for _ in range(lines)
                )
                for _ in range(tasks)
            ),
            options,
        )


class Stage:
    """What the statements of a program work on."""

    def __init__(self, dev: SimDevice, plan: Plan) -> None:
        self.dev = dev
        self.seen: list[tuple[int, int, object]] = []
        self.streams = [dev.stream(f"s{k}", blocking=b) for k, b in enumerate(plan.blocking)]
        if any(plan.blocking):
            self.streams[0] = dev.legacy
        spaces = (Space.PINNED, Space.PINNED, Space.PAGEABLE)
        self.buffers = [dev.alloc(SIZE, s, label=f"b{k}") for k, s in enumerate(spaces)]
        for k, buffer in enumerate(self.buffers):
            dev.host_write(buffer.view(), bytes([k + 1]) * SIZE)
        self.events = [dev.event(f"e{k}") for k in range(2)]
        self.targets = [dev.alloc(SIZE, Space.DEVICE, label=f"d{k}") for k in range(2)]
        self.lock = dev.lock("mutex")
        self.shared = dev.shared("count", 0)

    def do(self, task: int, number: int, line: Line) -> None:
        """Execute one statement, and note what it saw."""
        dev, stream = self.dev, self.streams[line.stream]
        event: Event = self.events[line.e]
        buffer = self.buffers[line.a % len(self.buffers)]
        mark = bytes([10 + number + 50 * task])
        if line.verb == "copy":
            self.copy(line, stream, buffer)
        elif line.verb == "kernel":
            dev.launch(COPY, (self.targets[line.e].view(), buffer.view()), stream)
        elif line.verb == "write":
            dev.host_write(buffer.view(line.e, line.e + 2), mark * 2)
        elif line.verb == "read":
            self.seen.append((task, number, dev.host_read(buffer.view(line.e, line.e + 1))))
        elif line.verb == "record":
            dev.record(event, stream)
        elif line.verb == "wait":
            dev.wait(stream, event)
        elif line.verb == "query":
            self.seen.append((task, number, dev.query(event)))
        elif line.verb == "tail":
            self.seen.append((task, number, dev.query(stream)))
        elif line.verb == "sync":
            dev.synchronize(event if line.b else stream)
        elif line.verb == "call":
            self.call(stream, buffer, mark)
        elif line.verb == "new":
            fresh = dev.alloc(SIZE, Space.PINNED, label="fresh")
            dev.host_write(fresh.view(), mark * SIZE)
            self.buffers.append(fresh)
            self.seen.append((task, number, fresh.memory))
        elif line.verb == "free":
            if len(self.buffers) > 1:
                dev.free(self.buffers.pop(line.a % len(self.buffers)))
        elif line.verb == "locked":
            with self.lock:
                self.seen.append((task, number, self.shared.get()))
                self.shared.set(number + 10 * task)
        elif line.verb == "swap":
            self.shared.set(self.shared.get() + 1)

    def copy(self, line: Line, stream: Stream, buffer: Buffer) -> None:
        target = self.targets[line.e] if line.b else self.buffers[line.b % len(self.buffers)]
        self.dev.copy(target.view(1), buffer.view(0, SIZE - 1), stream)

    def call(self, stream: Stream, buffer: Buffer, mark: bytes) -> None:
        def change(arguments: object) -> None:
            (place,) = arguments  # type: ignore[misc]
            place.write(mark)

        self.dev.host_call(change, [(buffer.view(0, 1), Mode.WRITE)], stream, label="change")


def program(plan: Plan) -> Callable[[SimDevice], object]:
    def main(dev: SimDevice) -> object:
        stage = Stage(dev, plan)

        def body(task: int) -> Callable[[], None]:
            def lines() -> None:
                for number, line in enumerate(plan.tasks[task]):
                    stage.do(task, number, line)

            return lines

        others = [dev.spawn(f"t{k}", body(k)) for k in range(1, len(plan.tasks))]
        body(0)()
        for other in others:
            other.join()
        dev.synchronize()
        content = tuple(dev.host_read(b.view()) for b in stage.buffers)
        back = dev.alloc(SIZE, Space.PINNED, label="back")
        device = []
        for target in stage.targets:
            dev.copy(back.view(), target.view(), dev.legacy)
            dev.synchronize()
            device.append(dev.host_read(back.view()))
        return tuple(sorted(stage.seen, key=repr)), content, tuple(device)

    return main


def outcome_under(plan: Plan, reduction: Reduction) -> tuple[Reach, frozenset[object], int]:
    def once(schedule: object) -> object:
        ran = run(program(plan), schedule, plan.options)  # type: ignore[arg-type]
        if ran.error is not None and not isinstance(ran.error, DeviceError):
            raise ran.error
        return ran.outcome, type(ran.error).__name__

    result = explore(once, budget=Budget(runs=RUNS_MAX), reduction=reduction)
    return result.reach, frozenset(result.outcomes), result.runs


@pytest.mark.parametrize(
    ("verbs", "tasks", "lines", "faults", "wanted"),
    [
        (ONE_TASK, 1, 6, False, 10),
        (ONE_TASK, 1, 6, True, 20),
        (POOL, 1, 7, False, 20),
        (TWO_TASKS, 2, 2, False, 8),
    ],
    ids=["one task", "faults", "pinned pool", "two tasks"],
)
def test_exhaustive_sees_what_brute_force_sees(
    verbs: tuple[str, ...], tasks: int, lines: int, faults: bool, wanted: int
) -> None:
    compared = several = saved = 0
    for plan in plans(verbs, tasks, lines, faults=faults):
        reach, outcomes, runs = outcome_under(plan, Reduction.NONE)
        if reach is not Reach.EXHAUSTED:
            continue
        for reduction in (Reduction.SLEEP, Reduction.DPOR):
            reduced = outcome_under(plan, reduction)
            assert reduced[:2] == (Reach.EXHAUSTED, outcomes), (plan, reduction)
        compared += 1
        several += len(outcomes) > 1
        saved += runs - reduced[2]
        if compared >= wanted and several >= 3:
            break
    assert saved > 100
