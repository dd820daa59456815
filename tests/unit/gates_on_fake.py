"""Gated replay on the fake driver: each outcome that simulation found, forced upon the CUDA device.

`test_cuda_gates.py` runs each in a process of its own. They decide nothing.
"""

from __future__ import annotations

from typing import Any

from fake_process import Programs

from kvcheck.litmus import SUITE, Litmus, run_on
from kvcheck.litmus.kernels import KERNELS
from kvcheck.schedule import Budget, Recorder, Replay, explore
from kvimpl.device.cuda import (
    CudaDevice,
    DriverLauncher,
    DriverRuntime,
    GatedDevice,
    GateFault,
    Watchdog,
)
from kvimpl.device.fake import FakeDriver, image
from kvimpl.device.port.steps import Pending
from kvimpl.device.sim import Pageable, SimOptions, run

PROGRAMS = Programs()
PACES = (0, 100)
"""How eager the device is, in per cent: gates must hold it to the record either way."""


def recorded(test: Litmus) -> dict[str, list[Pending]]:
    "Of each outcome on the simulated device, the steps of a run that ends in it."
    options = SimOptions(pageable=test.program.pageable)

    def once(schedule: Any) -> Any:
        return run(lambda dev: run_on(dev, test.program), schedule, options).outcome

    found = {}
    for outcome, line in explore(once, budget=Budget(runs=2_000)).outcomes.items():
        recorder = Recorder(Replay(line))
        assert once(recorder) == outcome
        found[repr(tuple(map(int, outcome)))] = recorder.steps
    return found


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


@PROGRAMS.add
def litmus(fake: FakeDriver) -> object:
    "Of each program with one host task: which of its outcomes were reached, and which were not."
    got = {}
    for name, test in SUITE.items():
        if len(test.program.threads) == 1:
            wanted = recorded(test)
            got[name] = {
                outcome: [forced(fake, test, steps, pace) for pace in PACES]
                for outcome, steps in wanted.items()
            }
    return got


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


if __name__ == "__main__":
    PROGRAMS.main()
