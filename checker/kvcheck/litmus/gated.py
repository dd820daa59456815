"""Litmus programs on a CUDA device with each of their outcomes forced by gates.

It decides which orders are forced and what counts as reached; how an order is forced is the gated
device's matter. The idea: every outcome that the simulated device ends in comes with the steps that
led to it, and a device that is held to these steps must end in it too. Two things cannot be forced.
The CUDA device keeps freed memory while work uses it, so what reuse would lead to has no order
there; and whether pageable memory is read late is the hardware's choice, not an order's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kvcheck.litmus.kernels import KERNELS
from kvcheck.litmus.on_cuda import gpu
from kvcheck.litmus.on_device import run_on
from kvcheck.litmus.on_sim import RUNS_MAX, once
from kvcheck.litmus.program import Outcome, Pageable, Program
from kvcheck.schedule import Budget, Reach, Recorder, Replay, explore
from kvimpl.device.cuda import CudaDevice, DriverRuntime, GatedDevice, GateFault
from kvimpl.device.port import FindingKind
from kvimpl.device.port.steps import Pending, Schedule

__all__ = ["GateFault", "Gated", "Record", "gated", "gated_devices", "is_forcible", "records"]

REUSES = frozenset({FindingKind.USE_AFTER_FREE, FindingKind.UNPROTECTED})
Make = Callable[[Sequence[Pending]], GatedDevice]


@dataclass(frozen=True, slots=True)
class Record:
    """The steps of a run on sim that ended in this; `reuses`: freed memory was still in use."""

    outcome: Outcome
    steps: tuple[Pending, ...]
    reuses: bool


@dataclass(frozen=True, slots=True)
class Gated:
    """Of each order that was forced, what it ended in on sim and what on the device."""

    pairs: tuple[tuple[Record, Outcome], ...]
    is_complete: bool

    @property
    def reached(self) -> frozenset[Outcome]:
        """All that the device ended in."""
        return frozenset(got for _, got in self.pairs)

    @property
    def kept(self) -> frozenset[Outcome]:
        """What only comes of memory that is given out again while it is used."""
        return frozenset(r.outcome for r, got in self.pairs if r.reuses and got != r.outcome)

    @property
    def missed(self) -> tuple[tuple[Outcome, Outcome], ...]:
        """What an order should have ended in, and what it ended in."""
        return tuple((r.outcome, got) for r, got in self.pairs if got != r.outcome and not r.reuses)


def gated_devices() -> Make:
    """Makes devices on this machine's GPU, held to a record. Raises: NoCudaDevice."""
    launcher = gpu()

    def make(steps: Sequence[Pending]) -> GatedDevice:
        runtime = DriverRuntime()
        return GatedDevice(CudaDevice(runtime, launcher, kernels=KERNELS), runtime, steps)

    return make


def is_forcible(program: Program) -> bool:
    """Whether its outcomes are a matter of order: not if it is about pageable memory read late."""
    return program.pageable is not Pageable.LATE


def records(program: Program, *, runs_max: int = RUNS_MAX) -> tuple[tuple[Record, ...], bool]:
    """For each outcome on sim the first run that ends in it; and whether there are no others."""

    def outcome(schedule: Schedule) -> Outcome:
        ran = once(program, schedule)
        if ran.error is not None:
            raise ran.error
        assert ran.outcome is not None
        return ran.outcome

    found = explore(outcome, budget=Budget(runs=runs_max))
    made = []
    for wanted, line in sorted(found.outcomes.items()):
        recorder = Recorder(Replay(line))
        ran = once(program, recorder)
        reuses = any(finding.kind in REUSES for finding in ran.findings)
        made.append(Record(wanted, tuple(recorder.steps), reuses))
    return tuple(made), found.reach is Reach.EXHAUSTED


def gated(program: Program, make: Make) -> Gated:
    """The program, forced into each of its outcomes. Raises: GateFault, DeviceFailed."""
    found, is_complete = records(program)
    pairs = []
    for record in found:
        device = make(record.steps)
        try:
            got = run_on(device, program)
            device.close()
        finally:
            device.abandon()
        pairs.append((record, got))
    return Gated(tuple(pairs), is_complete)
