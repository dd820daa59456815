"""A failing case made smaller, as long as it fails in the same class.

It decides what is kept: a proposal that was run and failed with the same key, and nothing else. The
idea: dropping a block of a request shows another fault so often that a shrinker without the class
ends at the commonest bug of the code, not at the one that was found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from kvcheck.fuzz.case import Case, Failure, Ran
from kvcheck.fuzz.shrink_moves import (
    ORDER_PASSES,
    PASSES,
    REPLAY,
    Pass,
    plain_order,
    recorded,
    switch_count,
)
from kvcheck.schedule import ReplayDiverged

Run: TypeAlias = Callable[[Case], Ran]

RUNS_MAX = 2000
CALL_PASSES = tuple(each for each in PASSES if each is not plain_order)


class ShrinkError(Exception):
    """The case does not fail as it is said to, so nothing can be kept of it."""


class End(Enum):
    """Why shrinking stopped."""

    SMALLEST = "no smaller case was found to fail in the same class"
    BUDGET = "the budget of runs was used up: a smaller case may exist"


@dataclass(frozen=True, slots=True)
class Shrunk:
    """The smallest case that was run and failed in the class, and what that run was."""

    case: Case
    ran: Ran
    runs: int
    end: End


class _Spent(Exception):
    """No run is left."""


def shrink(case: Case, failure: Failure, run: Run, *, runs_max: int = RUNS_MAX) -> Shrunk:
    """The smallest case found whose failure has the key of `failure`; at least one run is made.

    Raises:
        ShrinkError: the case itself does not fail with that key.
    """
    search = _Search(case, failure.key, run, runs_max)
    try:
        search.to_the_end()
    except _Spent:
        return search.result(End.BUDGET)
    return search.result(End.SMALLEST)


def shrink_calls(
    case: Case, failure: Failure, run: Run, *, runs_max: int = RUNS_MAX
) -> Shrunk | None:
    """The same where the device has its own order: calls, tasks and sizes, and never the order.

    None if the case did not fail alike when it was run again, which proves nothing there.
    """
    try:
        search = _Search(case, failure.key, run, runs_max)
    except ShrinkError:
        return None
    try:
        while search.round(CALL_PASSES):
            pass
    except _Spent:
        return search.result(End.BUDGET)
    return search.result(End.SMALLEST)


class _Search:
    """The best case so far; every run goes through `fails_alike`."""

    def __init__(self, case: Case, key: tuple[str, str], run: Run, runs_max: int) -> None:
        self._key, self._run, self._runs_max = key, run, runs_max
        self._runs = 1
        self._known: set[Case] = {case}
        ran = run(case)
        if ran.failure is None or ran.failure.key != key:
            came = "no failure" if ran.failure is None else " ".join(ran.failure.key)
            raise ShrinkError(
                f"The case was to fail with {' '.join(key)}, and its run came to {came}. "
                "The case was changed, or its run depends on something that is not in it. "
                "Run it twice with `kvproof replay` before it is shrunk."
            )
        self.case, self.ran = case, ran

    def to_the_end(self) -> None:
        """All passes, again and again while one of them makes the case smaller."""
        while self.round(PASSES):
            pass
        if self.case.order.startswith(REPLAY) or not self._is_plain():
            self._simplify_order()

    def result(self, end: End) -> Shrunk:
        return Shrunk(self.case, self.ran, self._runs, end)

    def round(self, passes: tuple[Pass, ...]) -> bool:
        """Each pass once; whether the case is another one after it."""
        before = self.case
        for each in passes:
            self._apply(each)
        return self.case != before

    def _apply(self, each: Pass) -> None:
        moves = each(self.case)
        try:
            candidate = next(moves)
            while True:
                candidate = moves.send(self._takes(candidate))
        except StopIteration:
            return

    def _takes(self, candidate: Case) -> bool:
        """Run a candidate that was not run before, and keep it if it fails alike."""
        if candidate in self._known:
            return False
        ran = self._fails_alike(candidate)
        if ran is None:
            return False
        self.case, self.ran = candidate, ran
        return True

    def _fails_alike(self, candidate: Case) -> Ran | None:
        if self._runs >= self._runs_max:
            raise _Spent
        self._runs += 1
        self._known.add(candidate)
        try:
            ran = self._run(candidate)
        except (ReplayDiverged, ValueError):
            return None  # the recorded line or the sizes do not fit the smaller case
        return ran if ran.failure is not None and ran.failure.key == self._key else None

    def _is_plain(self) -> bool:
        return next(plain_order(self.case), None) is None

    def _simplify_order(self) -> None:
        """From a drawn order to a recorded line with as few switches as will do."""
        drawn = self.case, self.ran
        candidate = recorded(self.case, self.ran.line)
        if candidate != self.case and not self._takes(candidate):
            return
        for each in ORDER_PASSES:
            self._apply(each)
        if switch_count(self.ran.line) > switch_count(drawn[1].line):
            self.case, self.ran = drawn
