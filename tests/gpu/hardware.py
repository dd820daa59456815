"""The machine's GPU, as the tests on hardware use it, and what is said where there is none.

It decides what counts as a GPU to test on: a driver that answers, a device, and NVRTC to compile
for it. It tests nothing. The idea: the driver is asked first, and its context is kept for the whole
run, so that modules outlive the devices that launched from them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kvcheck.litmus.kernels import KERNELS
from kvimpl.device.cuda import (
    CudaDevice,
    CupyLauncher,
    DriverLauncher,
    DriverRuntime,
    GatedDevice,
    Launcher,
    NoCudaDevice,
    Runtime,
    TorchRuntime,
    Watchdog,
)
from kvimpl.device.kernels import KernelSource
from kvimpl.device.kernels.compile import CompilerAbsent, compiled, known_architectures
from kvimpl.device.port.steps import Pending

NOT_TESTED = (
    "litmus on hardware",
    "the block manager's payload under lockstep on hardware",
    "both launchers against the kernels' Python bodies on hardware",
    "orders forced by gates on hardware",
)
RUNTIMES: dict[str, Callable[[], Runtime]] = {"torch": TorchRuntime, "driver": DriverRuntime}
LAUNCHERS = ("driver", "cupy")


def says_not_tested(absent: Exception) -> str:
    "Why nothing ran, and what therefore is not known."
    return f"NOT TESTED: no CUDA device ({absent}): {', '.join(NOT_TESTED)}"


@dataclass
class Hardware:
    "A GPU: devices on it, of either runtime and either launcher."

    keeps: DriverRuntime
    launchers: dict[str, Launcher] = field(default_factory=dict)

    def device(
        self, *, runtime: str = "torch", launcher: str = "driver", watched: bool = True
    ) -> CudaDevice:
        "A new device. Raises: NoCudaDevice, where its packages are not installed."
        return CudaDevice(
            RUNTIMES[runtime](),
            self.launcher(launcher),
            kernels=KERNELS,
            watchdog=Watchdog() if watched else None,
        )

    def gated(self, steps: Sequence[Pending], *, runtime: str) -> GatedDevice:
        "A new device that is held to these steps. Raises: NoCudaDevice."
        made = RUNTIMES[runtime]()
        device = CudaDevice(made, self.launcher("driver"), kernels=KERNELS)
        return GatedDevice(device, made, steps)

    def launcher(self, name: str) -> Launcher:
        "The launcher of that name, the same one each time. Raises: NoCudaDevice."
        if name not in self.launchers:
            self.launchers[name] = self._launcher(name)
        return self.launchers[name]

    def _launcher(self, name: str) -> Launcher:
        return CupyLauncher() if name == "cupy" else DriverLauncher(self._cubin)

    def _cubin(self, source: KernelSource) -> bytes:
        return compiled(source, self.keeps.architecture.removeprefix("sm_")).cubin


def hardware_found() -> Hardware:
    "The GPU of this machine. Raises: NoCudaDevice, also where nothing compiles for it."
    found = Hardware(DriverRuntime())
    try:
        known_architectures()
    except CompilerAbsent as absent:
        raise NoCudaDevice(str(absent)) from absent
    return found
