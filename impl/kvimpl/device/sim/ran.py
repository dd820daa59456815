"""One run of a program on a fresh simulated device: what came out, what went wrong, what was found.

It decides how a run ends: its program returns, all work completes, all tasks are gone. It chooses
no order and judges no outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from kvimpl.device.port.findings import Finding
from kvimpl.device.port.steps import Schedule
from kvimpl.device.port.values import Op
from kvimpl.device.sim.device import DEFAULT_OPTIONS, SimDevice
from kvimpl.device.sim.options import SimOptions

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ran(Generic[T]):
    """A run that is over: the program's result, or the error that it ended with."""

    outcome: T | None
    error: Exception | None
    findings: tuple[Finding, ...]
    step_count: int


def run(
    program: Callable[[SimDevice], T],
    schedule: Schedule,
    options: SimOptions = DEFAULT_OPTIONS,
    *,
    executed: Callable[[Op], None] | None = None,
) -> Ran[T]:
    """Run the program and let all its work complete. A schedule's `Abandoned` passes through."""
    device = SimDevice(schedule, options, executed=executed)
    outcome: T | None = None
    error: Exception | None = None
    try:
        outcome = program(device)
        device.quiesce()
    except Exception as raised:
        error = raised
    finally:
        device.abandon()
    return Ran(outcome, error, device.findings, device.step_count)
