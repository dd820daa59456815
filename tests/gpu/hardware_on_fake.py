"""The runs for a GPU on the fake driver, right and with planted mistakes: what they say of each.

`test_gpu_runs_on_fake.py` runs each in a process of its own. They decide nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fake_process import Programs
from hardware import Hardware
from hardware_runs import REFUSED_BUG, Differs, compare
from payload_run import payload_run
from test_gpu_gates import (
    FORCIBLE,
    test_each_allowed_outcome_is_reached_through_gates,
    test_kept_cases_fail_here_as_they_did_in_simulation,
)

from kvcheck.litmus import SUITE
from kvcheck.litmus.kernels import KERNELS
from kvcheck.litmus.on_cuda import as_on_cuda, on_cuda
from kvimpl.bugs import BUGS
from kvimpl.device.cuda import CudaDevice, DriverLauncher, DriverRuntime
from kvimpl.device.fake import FakeDriver, image
from kvimpl.device.kernels import KERNELS as SHIPPED
from kvimpl.device.port import Space

PROGRAMS = Programs()


class Nothing(DriverLauncher):
    "The planted mistake: nothing is launched."

    def launch(self, source: Any, call: Any, stream: int) -> None:
        pass


class OneLess(DriverLauncher):
    "The planted mistake: the last number arrives as one less."

    def launch(self, source: Any, call: Any, stream: int) -> None:
        values = (*call.values[:-1], max(call.values[-1] - 1, 0))
        super().launch(source, replace(call, values=values), stream)


class NeverWaits(DriverRuntime):
    "The planted mistake: streams do not wait for events."

    def wait(self, stream: Any, event: Any) -> None:
        pass


@PROGRAMS.add
def launchers(fake: FakeDriver) -> object:
    "Of each launcher: the kernels that make other bytes than their bodies."

    def differing(launcher: type[DriverLauncher], host: Space) -> list[str]:
        found = []
        for source in SHIPPED:
            dev = CudaDevice(DriverRuntime(), launcher(image), kernels=KERNELS)
            try:
                compare(dev, source, examples=60, host=host)
                found += [str(finding) for finding in dev.close()]
            except Differs:
                found.append(source.entry)
        return found

    return {
        "right": [differing(DriverLauncher, host) for host in (Space.PINNED, Space.DEVICE)],
        "Nothing": differing(Nothing, Space.PINNED),
        "OneLess": differing(OneLess, Space.PINNED),
    }


@PROGRAMS.add
def litmus(fake: FakeDriver) -> object:
    "Of each backend: the litmus programs that ended in what is not allowed."

    def wrong(runtime: type[DriverRuntime]) -> list[str]:
        def make() -> CudaDevice:
            return CudaDevice(runtime(), DriverLauncher(image), kernels=KERNELS, watchdog=None)

        found = []
        for test in SUITE.values():
            fake.order(seed=5, eager=30)
            seen = on_cuda(test.program, make, rounds=8)
            if not seen.outcomes <= as_on_cuda(test).allowed:
                found.append(test.name)
        return found

    return {"right": wrong(DriverRuntime), "NeverWaits": wrong(NeverWaits)}


@PROGRAMS.add
def gates(fake: FakeDriver) -> object:
    "The tests of gates themselves, on a device without a GPU: how many there are, and pass."
    hardware = Hardware(DriverRuntime(), {"driver": DriverLauncher(image)})
    fake.order(seed=2, eager=40)
    for name in FORCIBLE:
        test_each_allowed_outcome_is_reached_through_gates(hardware, name, "driver")
    test_kept_cases_fail_here_as_they_did_in_simulation(hardware)
    return len(FORCIBLE)


@PROGRAMS.add
def refused(fake: FakeDriver) -> object:
    "The verdict on the bug that hardware is to refuse: at once done, then as late as can be."

    def verdict(eager: int) -> object:
        fake.order(seed=3, eager=eager)
        dev = CudaDevice(DriverRuntime(), DriverLauncher(image), kernels=KERNELS)
        return payload_run(dev, steps=400, seed=1, build=BUGS[REFUSED_BUG].build)["outcome"]

    return [verdict(100), verdict(0)]


if __name__ == "__main__":
    PROGRAMS.main()
