"""Where a case is run: what a run asks of a place, and the simulated device as the usual one.

It decides how a device is opened, how a block's bytes are read in stream order and how a run ends
there; what a run does and what fails it is the same everywhere. The idea: what differs between a
device that is told its order and one that has its own is held by two small values, so that calls,
judge and classes of failures are written once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

import kvcheck.lockstep as lockstep
from kvcheck.fuzz.case import SIM_NAME, Case
from kvcheck.fuzz.orders import schedule_of
from kvcheck.schedule import Recorder
from kvimpl.device.port import Bytes, Device, Kernel, Mode, Stream, View
from kvimpl.device.port.steps import Pending
from kvimpl.device.sim import SimDevice, SimOptions

STEPS_MAX = 200_000
BETWEEN = (str(Path(lockstep.__file__).parent), __file__)
"""The code that stands between a program and its device: no finding names a line of it."""

Take: TypeAlias = Callable[[bytes], None]
"""Is given the bytes that were read."""


class BlockBytes(Protocol):
    """Blocks are written and read by work in a stream, which may execute long after the call."""

    def write(self, device: Device, view: View, data: bytes, stream: Stream, *, label: str) -> None:
        """Enqueue a write of the block."""

    def read(self, device: Device, view: View, stream: Stream, take: Take, *, label: str) -> None:
        """Enqueue a read; `take` gets the bytes once it has executed, at `finish` at the latest."""

    def finish(self, device: Device) -> None:
        """All work of the device is done: hand over what was read, and give memory back."""


class Opened(Protocol):
    """One run's device, how bytes go there, and the schedule as it went, if it can be told."""

    @property
    def device(self) -> Device:
        """For this run only."""

    @property
    def block_bytes(self) -> BlockBytes:
        """For this device only."""

    @property
    def line(self) -> str:
        """The run's schedule so far; empty where the device does not tell it."""

    def end(self) -> None:
        """Leave the device, also with work unfinished or after it was closed; never raises."""


class Site(Protocol):
    """A place for runs; `blind` says what no run there can show, in the words of a bound."""

    @property
    def name(self) -> str:
        """As records name it."""

    @property
    def blind(self) -> str:
        """Empty where nothing is missed."""

    def open(self, case: Case) -> Opened:
        """A fresh device. Raises: ValueError, where the case's order means nothing there."""


class ByKernel:
    """By kernels with a body in Python, which only a simulated device executes."""

    def write(self, device: Device, view: View, data: bytes, stream: Stream, *, label: str) -> None:
        """See BlockBytes."""

        def body(arguments: Sequence[Bytes | int]) -> None:
            (block,) = arguments
            assert not isinstance(block, int)
            block.write(data)

        device.launch(Kernel(label, (Mode.WRITE,), body), (view,), stream)

    def read(self, device: Device, view: View, stream: Stream, take: Take, *, label: str) -> None:
        """See BlockBytes."""

        def body(arguments: Sequence[Bytes | int]) -> None:
            (block,) = arguments
            assert not isinstance(block, int)
            take(block.read())

        device.launch(Kernel(label, (Mode.READ,), body), (view,), stream)

    def finish(self, device: Device) -> None:
        """See BlockBytes: each kernel has handed its bytes over itself."""


class OnSim:
    """A run on a simulated device, under the case's order."""

    kind = SimDevice

    def __init__(self, case: Case, *, steps_max: int = STEPS_MAX) -> None:
        self._record = Recorder(schedule_of(case.order))
        options = SimOptions(steps_max=steps_max)
        self.device = self.kind(self._record, options, beside=BETWEEN)
        self.block_bytes = ByKernel()

    @property
    def line(self) -> str:
        """See Opened."""
        return self._record.text

    @property
    def steps(self) -> tuple[Pending, ...]:
        """The steps of that schedule so far."""
        return tuple(self._record.steps)

    def end(self) -> None:
        """See Opened."""
        self.device.abandon()


class SimSite:
    """The simulated device: the order is the case's, and each order of accesses is checked."""

    name = SIM_NAME
    blind = ""

    def __init__(self, *, steps_max: int = STEPS_MAX) -> None:
        self._steps_max = steps_max

    def open(self, case: Case) -> OnSim:
        """See Site."""
        return OnSim(case, steps_max=self._steps_max)


SIM = SimSite()
