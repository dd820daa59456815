"""Runs a torch program of somebody's own on the simulated device, once, and says what it found.

It decides what a watched run is and what its verdict is; several runs are `checking`'s. A run that
made no call to the device is no run.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from inspect import getfile
from pathlib import Path
from typing import Any

from kvcheck.race import NotedDevice, Notes, RaceReport, explained
from kvcheck.schedule import HostFirst
from kvcheck.verdict import Evidence, Outcome, Verdict
from kvcheck.watch.cuda import cuda_names
from kvcheck.watch.factories import factory_mode
from kvcheck.watch.polling import Served
from kvcheck.watch.session import Session
from kvcheck.watch.tensors import tensor_class
from kvimpl.device.port.steps import Schedule
from kvimpl.device.port.values import Op
from kvimpl.device.sim import SimDevice

HERE = Path(__file__).resolve().parent


@dataclass(slots=True)
class Seen:
    """What one watched run found; complete when its `with` block has ended."""

    reports: tuple[RaceReport, ...] = ()
    call_count: int = 0
    runs: int = field(default=1)

    @property
    def verdict(self) -> Verdict:
        """Never `holds` for a run without a call to the device."""
        return verdict_of(self.reports, self.call_count, Evidence.OBSERVED, "1 schedule")


@contextmanager
def watch(schedule: Schedule | None = None, *, device: str = "sim") -> Iterator[Seen]:
    """Watch the torch program in the block, under one schedule, host first by default.

    Raises: ValueError for a device that is not there; NotModelled, inside the block; whatever the
    program raises.
    """
    refuse_other_devices(device)
    torch: Any = import_module("torch")
    beside = folders()
    heard: list[Callable[[Op], None]] = []
    chosen = schedule or Served(HostFirst())
    sim = SimDevice(chosen, executed=lambda op: heard[0](op), beside=beside)
    notes = Notes(step=lambda: sim.step_count, folders=beside)
    heard.append(notes.executed)
    session = Session(NotedDevice(sim, notes), torch, beside)
    seen = Seen()
    tensor_class(session)
    with _patched(torch.cuda, cuda_names(session, _callables(torch.cuda))), _no_collection():
        try:
            with factory_mode(session):
                yield seen
            seen.call_count = session.call_count
            session.begin()
            sim.quiesce()
        except Exception:
            with suppress(Exception):  # what was enqueued executes all the same
                sim.quiesce()
            raise
        finally:
            sim.abandon()
            journal = notes.journal()
            seen.reports = tuple(explained(finding, journal) for finding in sim.findings)


def refuse_other_devices(device: str) -> None:
    """Raises: ValueError, unless it is sim."""
    if device != "sim":
        raise ValueError(
            f"watch has no device '{device}'. It runs programs on the simulated one. "
            "Say device='sim'."
        )


def folders() -> tuple[str, ...]:
    """Where code between a program and the device lies: no finding and no error names its lines."""
    torch: Any = import_module("torch")
    return (
        str(HERE),
        str(HERE.parent / "race"),
        str(Path(torch.__file__).parent),
        str(Path(getfile(SimDevice)).resolve().parents[1]),
        getfile(contextmanager),
    )


def verdict_of(
    reports: Sequence[RaceReport], calls: int, evidence: Evidence, bound: str, reason: str = ""
) -> Verdict:
    """What so many findings in runs with so many calls to the device come to."""
    if reports:
        found = "1 finding" if len(reports) == 1 else f"{len(reports)} findings"
        return Verdict(Outcome.VIOLATED, evidence, bound, found)
    if reason:
        return Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, bound, reason)
    if not calls:
        why = "nothing happened: the program made no call to the device"
        return Verdict(Outcome.NOT_RUN, Evidence.NONE, bound, why)
    return Verdict(Outcome.HOLDS, evidence, bound)


def _callables(module: Any) -> list[str]:
    return [name for name in module.__all__ if callable(getattr(module, name, None))]


@contextmanager
def _patched(module: Any, names: dict[str, Any]) -> Iterator[None]:
    before = {name: getattr(module, name) for name in names}
    try:
        for name, value in names.items():
            setattr(module, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


@contextmanager
def _no_collection() -> Iterator[None]:
    """A tensor's end is a call to the device: it comes where it is dropped, not at a collection."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
