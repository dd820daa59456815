"""Litmus programs on a GPU, free-running: each many times, on a device of its own.

It decides how often a program runs there, and what hardware is held to; hardware picks the order,
so what it never does is not seen, and a set of outcomes is never complete. Races cannot be seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kvcheck.litmus.kernels import KERNELS
from kvcheck.litmus.on_device import run_on
from kvcheck.litmus.on_sim import Seen
from kvcheck.litmus.program import Program
from kvcheck.litmus.suite import SUITE, Litmus
from kvimpl.device.cuda import CudaDevice, DriverLauncher, DriverRuntime, NoCudaDevice
from kvimpl.device.kernels import KernelSource
from kvimpl.device.kernels.compile import CompilerAbsent, compiled, known_architectures
from kvimpl.device.port import Device

__all__ = ["Make", "NoCudaDevice", "as_on_cuda", "cuda_devices", "gpu", "on_cuda"]

ROUNDS = 100
Make = Callable[[], Device]


def cuda_devices() -> Make:
    """Makes devices on this machine's GPU. Raises: NoCudaDevice, also without a compiler."""
    launcher = gpu()
    return lambda: CudaDevice(DriverRuntime(), launcher, kernels=KERNELS)


def gpu() -> DriverLauncher:
    """What launches kernels on this GPU. Raises: NoCudaDevice, also without a compiler."""
    kept = DriverRuntime()
    try:
        known_architectures()
    except CompilerAbsent as absent:
        raise NoCudaDevice(str(absent)) from absent

    def cubin(source: KernelSource) -> bytes:
        return compiled(source, kept.architecture.removeprefix("sm_")).cubin

    return DriverLauncher(cubin)


def as_on_cuda(test: Litmus) -> Litmus:
    """The test as hardware is held to it, which may stage pageable memory or read it late.

    CUDA says that such a copy "might be synchronous" (Driver API, "API synchronization behavior"),
    so a program that the suite has for both ways may end in what either allows.
    """
    pageable = test.program.pageable
    other_way = [
        other.allowed
        for other in SUITE.values()
        if other.program.pageable is not pageable
        and replace(other.program, pageable=pageable) == test.program
    ]
    return replace(test, allowed=test.allowed.union(*other_way))


def on_cuda(program: Program, make: Make, *, rounds: int = ROUNDS) -> Seen:
    """What the program ended in. Raises: DeviceFailed, DeviceStuck."""
    outcomes = set()
    for _ in range(rounds):
        dev = make()
        outcomes.add(run_on(dev, program))
        dev.close()
    return Seen(frozenset(outcomes), None, is_complete=False, runs=rounds)
