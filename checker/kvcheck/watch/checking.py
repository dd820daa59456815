"""Runs a torch program under several orders, or under all of them, and says what they showed.

It decides which runs are made, how far the verdict reaches, and that a finding is shown only after
its run was made again with the same end. The program's own exception ends the examination: what was
found before it stands, and nothing else is concluded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb
from typing import Any

from kvcheck.race import RaceReport
from kvcheck.schedule import (
    Budget,
    Eager,
    HostFirst,
    Random,
    Reach,
    Recorder,
    Replay,
    ReplayDiverged,
    explore,
)
from kvcheck.verdict import Evidence, Verdict
from kvcheck.watch.polling import Served
from kvcheck.watch.watching import Seen, folders, refuse_other_devices, verdict_of, watch
from kvimpl.device.port.steps import Schedule

RANDOM_RUNS = 10


class Unrepeated(Exception):
    """The program does not do the same twice under one schedule, so no run of it shows anything."""


@dataclass(frozen=True, slots=True)
class Found:
    """A report, and the schedule that shows it again."""

    report: RaceReport
    line: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What several runs found: each pair of lines once. `error` is what the program ended with."""

    verdict: Verdict
    found: tuple[Found, ...]
    error: Exception | None = None

    @property
    def reports(self) -> tuple[RaceReport, ...]:
        """The reports alone."""
        return tuple(found.report for found in self.found)


def check(
    program: Callable[[], object],
    *,
    schedules: Sequence[Schedule] | None = None,
    budget: Budget | None = None,
    device: str = "sim",
) -> Checked:
    """Run the program under several schedules: host first, eager and ten random ones by default.

    With a budget it is run under every order that can make a difference, as far as that reaches.
    Raises: Unrepeated; what the program raised, unless races were found before.
    """
    checked = examine(program, schedules=schedules, budget=budget, device=device)
    if checked.error is not None and not checked.found:
        raise checked.error
    return checked


def examine(
    program: Callable[[], object],
    *,
    schedules: Sequence[Schedule] | None = None,
    budget: Budget | None = None,
    device: str = "sim",
    is_over: Callable[[], bool] = lambda: False,
    tell: Callable[[int], None] = lambda runs: None,
) -> Checked:
    """The same; an exception of the program is held in the result, and `is_over` ends it early.

    `tell` is given the number of runs so far. Raises: Unrepeated; ValueError for another device;
    ImportError without torch.
    """
    refuse_other_devices(device)
    folders()
    examination = _Examination(program, device, tell)
    chosen = schedules if schedules is not None else habitual()
    try:
        if budget is None:
            for schedule in chosen:
                if is_over():
                    break
                examination.run(schedule)
            examination.is_complete = examination.runs == len(chosen)
            evidence = Evidence.OBSERVED
        else:
            explored = explore(examination.run, budget=budget, stop=lambda _: is_over())
            examination.is_complete = explored.reach is Reach.EXHAUSTED
            evidence = Evidence.EXHAUSTED if examination.is_complete else Evidence.OBSERVED
    except _ProgramError:
        evidence = Evidence.OBSERVED
    except ReplayDiverged as diverged:
        raise Unrepeated(str(diverged)) from diverged
    return examination.checked(evidence)


def habitual(*, seed: int = 0, random_runs: int = RANDOM_RUNS) -> list[Schedule]:
    """Host first, eager, and so many random ones. No poll is left unserved for ever."""
    return [Served(HostFirst()), Eager(), *(Random(seed + number) for number in range(random_runs))]


class _ProgramError(Exception):
    """The program ended with an exception, which the examination holds."""


class _Examination:
    """The runs so far."""

    def __init__(
        self, program: Callable[[], object], device: str, tell: Callable[[int], None]
    ) -> None:
        self._program = program
        self._device = device
        self._tell = tell
        self._found: dict[tuple[object, ...], Found] = {}
        self._calls = 0
        self.runs = 0
        self.error: Exception | None = None
        self.is_complete = False

    def run(self, schedule: Schedule) -> bool:
        """One run, and once more if it shows something new. Raises: Unrepeated."""
        recorder = Recorder(schedule)
        reports, calls, error = self._once(recorder)
        self.runs += 1
        self._calls += calls
        new = {_lines(r): r for r in reports if _lines(r) not in self._found}
        if new:
            self._confirm(recorder.text, reports, error)
        for lines, report in new.items():
            self._found[lines] = Found(report, recorder.text)
        self._tell(self.runs)
        if error is not None:
            self.error = error
            raise _ProgramError from error
        return bool(reports)

    def checked(self, evidence: Evidence) -> Checked:
        """What they come to."""
        reason = "" if self.is_complete else "the budget ran out before every order was tried"
        if self.error is not None:
            reason = f"the program ended with {told(self.error)}"
        found = tuple(self._found.values())
        reports = tuple(one.report for one in found)
        bound = f"{self.runs} schedule{'s'[: self.runs != 1]}"
        verdict = verdict_of(reports, self._calls, evidence, bound, reason)
        return Checked(verdict, found, self.error)

    def _once(self, schedule: Schedule) -> tuple[tuple[RaceReport, ...], int, Exception | None]:
        error: Exception | None = None
        seen = Seen()
        try:
            with watch(schedule, device=self._device) as seen:
                self._program()
        except ReplayDiverged:
            raise
        except Exception as raised:
            error = raised
        return seen.reports, seen.call_count, error

    def _confirm(self, line: str, reports: Any, error: Exception | None) -> None:
        again, _, error_again = self._once(Replay(line))
        if set(map(_lines, again)) != set(map(_lines, reports)) or type(error) is not type(
            error_again
        ):
            raise Unrepeated(
                f"Run again on its own schedule the program showed {len(again)} findings in place "
                f"of {len(reports)}. It uses time, chance or ids of its own. Pass these in."
            )


def told(error: BaseException) -> str:
    """An exception of the program, with the innermost of its lines that is not ours or torch's."""
    beside = folders()
    lines = [f for f in extract_tb(error.__traceback__) if not f.filename.startswith(beside)]
    where = f" ({Path(lines[-1].filename).name}:{lines[-1].lineno} in {lines[-1].name})"
    return f"{type(error).__name__}: {error}{where if lines else ''}"


def _lines(report: RaceReport) -> tuple[object, ...]:
    finding = report.finding
    second = finding.second.source if finding.second else None
    return (finding.kind, frozenset((finding.first.source, second)))
