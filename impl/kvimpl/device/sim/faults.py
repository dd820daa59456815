"""Faults on demand: counts what is asked of the device and fails what the options say.

It decides when something fails; what a failure leaves behind is the device's matter. A failed
device stays failed, as a CUDA context does after an error while executing.
"""

from __future__ import annotations

from kvimpl.device.port.errors import DeviceFailed, LaunchFailed, OutOfMemory
from kvimpl.device.port.steps import Touch
from kvimpl.device.sim.options import (
    AllocationFault,
    CopyFault,
    Fault,
    LaunchFault,
    StuckStream,
)

COUNTS = Touch("fault counts", 0, 1, True)
FAILS = Touch("failure", 0, 1, True)
MEETS = Touch("failure", 0, 1, False)


class Faults:
    """The faults of one run, and the failure that has happened."""

    def __init__(self, planned: tuple[Fault, ...]) -> None:
        self._launches = {f.at for f in planned if isinstance(f, LaunchFault)}
        self._allocations = {f.at for f in planned if isinstance(f, AllocationFault)}
        self._copies = {f.at: f.moves for f in planned if isinstance(f, CopyFault)}
        self._stuck = {f.stream: f.after for f in planned if isinstance(f, StuckStream)}
        self._launch_count = self._allocation_count = self._copy_count = 0
        self.failure: DeviceFailed | None = None
        self._is_doomed = False
        self.touches: tuple[Touch, ...] = ()
        if self._launches or self._allocations or self._copies:
            self.touches = (COUNTS, MEETS) if self._copies else (COUNTS,)

    def stops_after(self, stream: str) -> int | None:
        """How many operations the stream executes at most."""
        return self._stuck.get(stream)

    def launch(self, kernel: str) -> None:
        """A kernel is to be launched. Raises: LaunchFailed."""
        self._launch_count += 1
        if self._launch_count in self._launches:
            raise LaunchFailed(
                f"launch {self._launch_count} of this device, '{kernel}', was refused. A fault was "
                "planned for it. Handle the refusal, or change SimOptions.faults."
            )

    def allocate(self, nbytes: int, label: str) -> None:
        """Memory is to be allocated. Raises: OutOfMemory."""
        self._allocation_count += 1
        if self._allocation_count in self._allocations:
            raise OutOfMemory(
                f"allocation {self._allocation_count} of this device, '{label}' of {nbytes} bytes, "
                "found no memory. A fault was planned for it. Handle the refusal, or change "
                "SimOptions.faults."
            )

    def copy(self) -> int | None:
        """A copy is enqueued: how many bytes it moves before the device fails; None for all."""
        self._copy_count += 1
        moves = self._copies.get(self._copy_count)
        self._is_doomed = moves is not None
        return moves

    def of_work(self) -> tuple[Touch, ...]:
        """What the work that is enqueued now touches: it fails the device, or would be stopped."""
        if not self._copies:
            return ()
        doomed, self._is_doomed = self._is_doomed, False
        return (FAILS,) if doomed else (MEETS,)

    def fail(self, what: str, why: Exception) -> None:
        """The device fails now, and the calls that meet it say so."""
        self.failure = DeviceFailed(
            f"{what} failed while it executed: {why}. Nothing enqueued behind it executes any more."
            " Start over with a new device; what the failed work wrote is unknown."
        )
        self.failure.__cause__ = why

    def meet(self) -> None:
        """Raises: DeviceFailed, if the device has failed."""
        if self.failure is not None:
            raise DeviceFailed(str(self.failure)) from self.failure.__cause__
