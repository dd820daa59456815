"""Gated replay on the fake driver: each outcome that simulation found, forced upon the CUDA device.

`test_cuda_gates.py` runs each in a process of its own. They decide nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, TypeAlias
from unittest.mock import patch

from fake_process import Programs

from kvcheck.litmus import SUITE, Litmus, run_on
from kvcheck.litmus.gated import records
from kvcheck.litmus.kernels import KERNELS
from kvcheck.schedule import Budget, Eager, HostFirst, Recorder, Replay, explore
from kvimpl.device.cuda import (
    CudaDevice,
    DriverLauncher,
    DriverRuntime,
    GatedDevice,
    GateFault,
    Watchdog,
    gated_device,
)
from kvimpl.device.cuda.turnstile import Turnstile
from kvimpl.device.fake import FakeDriver, image
from kvimpl.device.port import Device, Mode, Space
from kvimpl.device.port.steps import Pending, Schedule
from kvimpl.device.sim import Pageable, run

Program: TypeAlias = Callable[[Any], Any]  # of a device; the outcome is its own
PROGRAMS = Programs()
PACES = (0, 100)
"""How eager the device is, in per cent: gates must hold it to the record either way."""


def recorded(test: Litmus) -> dict[str, list[Pending]]:
    "Of each outcome on the simulated device, the steps of a run that ends in it."
    found, is_complete = records(test.program)
    assert is_complete
    return {repr(tuple(map(int, one.outcome))): list(one.steps) for one in found}


def forced(
    fake: FakeDriver, test: Litmus, steps: list[Pending], pace: int, *, device: Any = GatedDevice
) -> str:
    "What the program ended in on the CUDA device, held to these steps."
    fake.order(seed=1, eager=pace)
    fake.pageable_late(test.program.pageable is Pageable.LATE)
    runtime = DriverRuntime()
    patience = Watchdog(seconds=20)
    dev = CudaDevice(runtime, DriverLauncher(image), kernels=KERNELS, watchdog=patience)
    gated = device(dev, runtime, steps)
    outcome = repr(tuple(map(int, run_on(gated, test.program))))
    gated.close()
    return outcome


def steps_of(program: Program, schedule: Schedule) -> tuple[Any, list[Pending]]:
    "What a run on the simulated device ended in, and its steps."
    recorder = Recorder(schedule)
    ran = run(program, recorder)
    assert ran.error is None
    return ran.outcome, recorder.steps


def held_to(program: Program, steps: list[Pending], *, watchdog: Watchdog | None = None) -> Any:
    "What it ended in on the CUDA device, held to these steps."
    runtime = DriverRuntime()
    patience = watchdog or Watchdog(seconds=20)
    dev = CudaDevice(runtime, DriverLauncher(image), kernels=KERNELS, watchdog=patience)
    gated = GatedDevice(dev, runtime, steps)
    try:
        outcome = program(gated)
    except GateFault:
        gated.abandon()
        raise
    gated.close()
    return outcome


@PROGRAMS.add
def litmus(fake: FakeDriver) -> object:
    "Of each program: what it ended in where each of its outcomes was forced, at either pace."
    return {
        name: {
            outcome: [forced(fake, test, steps, pace) for pace in PACES]
            for outcome, steps in recorded(test).items()
        }
        for name, test in SUITE.items()
    }


@PROGRAMS.add
def planted(fake: FakeDriver) -> object:
    "The same without gates on a device that is as fast as can be, and as slow."
    test = SUITE["pinned_source_is_read_late"]

    class Ungated(GatedDevice):
        "The planted mistake: work is enqueued without gates."

        def __init__(self, dev: Any, runtime: Any, steps: Any) -> None:
            super().__init__(dev, runtime, steps)
            self.__dict__.update(copy=dev.copy, launch=dev.launch, record=dev.record, fill=dev.fill)
            self.__dict__.update(
                alloc=dev.alloc, host_write=dev.host_write, host_read=dev.host_read
            )
            self.__dict__.update(synchronize=dev.synchronize, close=dev.close)

    return {
        outcome: [forced(fake, test, steps, pace, device=Ungated) for pace in PACES]
        for outcome, steps in recorded(test).items()
    }


@PROGRAMS.add
def faults(fake: FakeDriver) -> object:
    "What is said of a record of another program, and of a gate that is stuck."
    test = SUITE["pinned_source_is_read_late"]
    steps = next(iter(recorded(test).values()))
    said = []
    for record in (steps[:6], [step for step in steps if "alloc" not in step.does]):
        fake.restart()
        try:
            forced(fake, test, record, 0)
        except GateFault as fault:
            said.append(str(fault))
    fake.restart()
    fake.order(seed=1, eager=0)
    runtime = DriverRuntime()
    clock = iter(range(1_000_000))
    watchdog = Watchdog(seconds=100, clock=lambda: next(clock), pause=lambda _: None)
    dev = CudaDevice(runtime, DriverLauncher(image), kernels=KERNELS, watchdog=watchdog)
    gated = GatedDevice(dev, runtime, steps)
    fake.hold(0)
    try:
        run_on(gated, test.program)
    except GateFault as fault:
        said.append(str(fault))
    return said


def sharing(dev: Device) -> object:
    "Two tasks with a lock, a shared count, copies, and a list of Python's own between pauses."
    stream, lock, count = dev.stream("s"), dev.lock("l"), dev.shared("count", 0)
    row = dev.alloc(2, Space.PINNED, label="row")
    seen: list[str] = []

    def work(name: str, place: int) -> None:
        with lock:
            mine = count.get() + 1
            count.set(mine)
            with dev.host(row.view(place, place + 1), Mode.WRITE) as byte:
                byte[0] = mine
        dev.pause(f"{name} writes")
        seen.append(name)

    other = dev.spawn("other", lambda: work("other", 1))
    work("main", 0)
    table = dev.alloc(2, Space.DEVICE, label="table")
    dev.copy(table.view(), row.view(), stream)
    other.join()
    back = dev.alloc(2, Space.PINNED, label="back")
    dev.copy(back.view(), table.view(), stream)
    dev.synchronize(stream)
    return [dev.host_read(back.view())[0], *seen]


@PROGRAMS.add
def tasks(fake: FakeDriver) -> object:
    "Each outcome of two tasks with a lock, and what it was on the device at either pace."
    found = explore(
        lambda schedule: tuple(steps_of(sharing, schedule)[0]), budget=Budget(runs=5_000)
    )
    got = []
    for outcome, line in found.outcomes.items():
        steps = steps_of(sharing, Replay(line))[1]
        reached = []
        for pace in PACES:
            fake.order(seed=1, eager=pace)
            reached.append(held_to(sharing, steps))
        got.append([list(outcome), reached])
    return [got, found.reach.value, fake.live]


@PROGRAMS.add
def atomic(fake: FakeDriver) -> object:
    "Whether another task goes between two calls: as it is, and where turns are passed on at once."
    went = threading.Event()

    def program(dev: Device) -> bool:
        went.clear()
        other = dev.spawn("other", lambda: (dev.pause("there"), went.set()))  # type: ignore[arg-type]
        dev.pause("here")
        gone = went.wait(0.2 if dev.name == "cuda" else 0)
        dev.pause("later")
        other.join()
        return gone

    steps = steps_of(program, Replay("host*2 other*2 host"))[1]
    words = [f"{step.actor}: {step.does}" for step in steps[1:5]]
    assert words == ["host: here", "other: start", "other: there", "host: later"]
    right = held_to(program, steps)

    class AtOnce(Turnstile):
        "The planted mistake: the turn is passed on when a call ends, not when the next one begins."

        def _advance(self) -> None:
            super()._advance()
            self._pass_on()

    with patch.object(gated_device, "Turnstile", AtOnce):
        return [right, held_to(program, steps)]


def past_the_port(dev: Device) -> object:
    "It waits by itself for a copy, with a call of the driver's own on the device."
    from cuda.bindings import driver

    stream, row = dev.stream("s"), dev.alloc(1, Space.PINNED, label="row")
    table = dev.alloc(1, Space.DEVICE, label="table")
    dev.host_write(row.view(), bytes([1]))
    dev.copy(table.view(), row.view(), stream)
    if dev.name == "cuda":
        driver.cuCtxSynchronize()
    dev.host_write(row.view(), bytes([2]))
    dev.copy(row.view(), table.view(), stream)
    dev.synchronize()
    return dev.host_read(row.view())[0]


def impatient() -> Watchdog:
    "Its seconds fly for the guard, and stand still for whoever waits through the port."
    ticks = iter(range(0, 1_000_000, 100))

    def clock() -> float:
        return next(ticks) if threading.current_thread().name == "gate guard" else 0.0

    return Watchdog(seconds=20, clock=clock)


def fault_of(program: Program, steps: list[Pending], watchdog: Watchdog | None = None) -> str:
    "What the fault says that ends the program, whatever order is wanted."
    try:
        held_to(program, steps, watchdog=watchdog)
    except GateFault as fault:
        return str(fault)
    return "no fault"


@PROGRAMS.add
def beyond(fake: FakeDriver) -> object:
    "A wait past the port for what the record has executed by then, and for what it has not."
    fake.order(seed=1, eager=0)
    outcome, steps = steps_of(past_the_port, Eager())
    forced_to = held_to(past_the_port, steps)
    late = steps_of(past_the_port, HostFirst())[1]
    said = fault_of(past_the_port, late, impatient())
    return [outcome, forced_to, said]


@PROGRAMS.add
def waiting(fake: FakeDriver) -> object:
    "Two tasks that wait for each other past the port, and records of other tasks."

    def program(dev: Device) -> None:
        mutex: Any = threading.Lock() if dev.name == "cuda" else nullcontext()

        def body() -> None:
            dev.pause("there")
            with mutex:
                dev.pause("inside")

        other = dev.spawn("other", body)
        with mutex:
            dev.pause("here")
            dev.pause("more")
        other.join()

    def alone(dev: Device) -> None:
        dev.pause("here")

    def longer(dev: Device) -> None:
        dev.pause("here")
        dev.pause("there")

    steps = steps_of(program, Replay("host*2 other*3 host"))[1]
    return [
        fault_of(program, steps, impatient()),
        fault_of(alone, [step._replace(actor="nobody") for step in steps]),
        fault_of(alone, steps_of(longer, HostFirst())[1]),
        fault_of(longer, steps_of(alone, HostFirst())[1]),
        fake.live["memory"],
    ]


if __name__ == "__main__":
    PROGRAMS.main()
