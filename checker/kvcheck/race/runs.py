"""One run of a program on a simulated device that notes its calls.

It decides how such a run ends, as `kvimpl.device.sim.run` does: the program returns, all work
completes, all tasks are gone. The journal is complete then, and may be asked about the findings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import getfile
from pathlib import Path
from typing import Generic, TypeVar

from kvcheck.race.applied import NO_REPAIR, Repair
from kvcheck.race.journal import Journal
from kvcheck.race.noted import NotedDevice
from kvcheck.race.notes import Notes
from kvimpl.device.port import Device, Finding
from kvimpl.device.port.steps import Schedule
from kvimpl.device.port.values import Op
from kvimpl.device.sim import SimDevice, SimOptions

T = TypeVar("T")
FOLDERS = (str(Path(__file__).resolve().parent), str(Path(getfile(SimDevice)).resolve().parents[1]))
DEFAULT_OPTIONS = SimOptions()


@dataclass(frozen=True, slots=True)
class NotedRun(Generic[T]):
    """A run that is over, with its journal."""

    outcome: T | None
    error: Exception | None
    findings: tuple[Finding, ...]
    journal: Journal


def noted_run(
    program: Callable[[Device], T],
    schedule: Schedule,
    options: SimOptions = DEFAULT_OPTIONS,
    *,
    repair: Repair = NO_REPAIR,
    beside: tuple[str, ...] = (),
) -> NotedRun[T]:
    """Run the program and let all its work complete. A schedule's `Abandoned` passes through.

    `beside` are folders of code between the program and the device.
    """
    folders = (*FOLDERS, *beside)
    heard: list[Callable[[Op], None]] = []
    device = SimDevice(schedule, options, executed=lambda op: heard[0](op), beside=folders)
    notes = Notes(step=lambda: device.step_count, folders=folders)
    heard.append(notes.executed)
    noted = NotedDevice(device, notes, pageable=options.pageable, repair=repair)
    outcome: T | None = None
    error: Exception | None = None
    try:
        outcome = program(noted)
        device.quiesce()
    except Exception as raised:
        error = raised
    finally:
        device.abandon()
    return NotedRun(outcome, error, device.findings, notes.journal())
