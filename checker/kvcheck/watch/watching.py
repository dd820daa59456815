"""Runs a torch program of somebody's own on the simulated device, and says what it found.

It decides what the verdict is and how far it reaches: one run for `watch`, several or all orders
for `check`. A run that made no call to the device is no run; a program that fails is not judged.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from inspect import getfile
from pathlib import Path
from typing import Any

from kvcheck.race import NotedDevice, Notes, RaceReport, explained
from kvcheck.schedule import Budget, Eager, HostFirst, Random, Reach, explore
from kvcheck.verdict import Evidence, Outcome, Verdict
from kvcheck.watch.cuda import cuda_names
from kvcheck.watch.factories import factory_mode
from kvcheck.watch.session import Session
from kvcheck.watch.tensors import tensor_class
from kvimpl.device.port.steps import Schedule
from kvimpl.device.port.values import Op
from kvimpl.device.sim import SimDevice

HERE = Path(__file__).resolve().parent
RANDOM_RUNS = 10


@dataclass(slots=True)
class Seen:
    """What one watched run found; complete when its `with` block has ended."""

    reports: tuple[RaceReport, ...] = ()
    call_count: int = 0
    runs: int = field(default=1)

    @property
    def verdict(self) -> Verdict:
        """Never `holds` for a run without a call to the device."""
        return _verdict(self.reports, self.call_count, Evidence.OBSERVED, "1 schedule")


@dataclass(frozen=True, slots=True)
class Checked:
    """What several runs found: each pair of lines once."""

    verdict: Verdict
    reports: tuple[RaceReport, ...]


@contextmanager
def watch(schedule: Schedule | None = None, *, device: str = "sim") -> Iterator[Seen]:
    """Watch the torch program in the block, under one schedule, host first by default.

    Raises: ValueError for a device that is not there; NotModelled, inside the block; whatever the
    program raises.
    """
    if device != "sim":
        raise ValueError(
            f"watch has no device '{device}'. It runs programs on the simulated one. "
            "Say device='sim'."
        )
    torch: Any = import_module("torch")
    folders: tuple[str, ...] = (str(HERE), str(HERE.parent / "race"))
    folders = (*folders, str(Path(torch.__file__).parent))
    folders = (
        *folders,
        str(Path(getfile(SimDevice)).resolve().parents[1]),
        getfile(contextmanager),
    )
    heard: list[Callable[[Op], None]] = []
    sim = SimDevice(schedule or HostFirst(), executed=lambda op: heard[0](op), beside=folders)
    notes = Notes(step=lambda: sim.step_count, folders=folders)
    heard.append(notes.executed)
    session = Session(NotedDevice(sim, notes), torch, folders)
    seen = Seen()
    tensor_class(session)
    with _patched(torch.cuda, cuda_names(session, _callables(torch.cuda))), _no_collection():
        try:
            with factory_mode(session):
                yield seen
            seen.call_count = session.call_count
            session.begin()
            sim.quiesce()
        finally:
            sim.abandon()
            journal = notes.journal()
            seen.reports = tuple(explained(finding, journal) for finding in sim.findings)


def check(
    program: Callable[[], object],
    *,
    schedules: Sequence[Schedule] | None = None,
    budget: Budget | None = None,
    device: str = "sim",
) -> Checked:
    """Run the program under several schedules: host first, eager and ten random ones by default.

    With a budget it is run under every order that can make a difference, as far as that reaches.
    """
    reports: dict[tuple[object, ...], RaceReport] = {}
    calls = 0

    def once(schedule: Schedule) -> bool:
        nonlocal calls
        with watch(schedule, device=device) as seen:
            program()
        calls += seen.call_count
        for report in seen.reports:
            reports.setdefault(_lines(report), report)
        return bool(seen.reports)

    evidence, bound, reason = Evidence.OBSERVED, "", ""
    if budget is None:
        chosen = schedules if schedules is not None else _habitual()
        for schedule in chosen:
            once(schedule)
        bound = f"{len(chosen)} schedules"
    else:
        explored = explore(once, budget=budget)
        bound = f"{explored.runs} schedules"
        if explored.reach is Reach.EXHAUSTED:
            evidence = Evidence.EXHAUSTED
        else:
            reason = "the budget ran out before every order was tried"
    found = tuple(reports.values())
    return Checked(_verdict(found, calls, evidence, bound, reason), found)


def _verdict(
    reports: Sequence[RaceReport], calls: int, evidence: Evidence, bound: str, reason: str = ""
) -> Verdict:
    if reports:
        return Verdict(Outcome.VIOLATED, evidence, bound, f"{len(reports)} findings")
    if not calls:
        why = "nothing happened: the program made no call to the device"
        return Verdict(Outcome.NOT_RUN, Evidence.NONE, bound, why)
    if reason:
        return Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, bound, reason)
    return Verdict(Outcome.HOLDS, evidence, bound)


def _habitual() -> list[Schedule]:
    return [HostFirst(), Eager(), *(Random(seed) for seed in range(RANDOM_RUNS))]


def _lines(report: RaceReport) -> tuple[object, ...]:
    finding = report.finding
    second = finding.second.source if finding.second else None
    return (finding.kind, frozenset((finding.first.source, second)))


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
