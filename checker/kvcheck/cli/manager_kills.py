"""The kill matrix of the running manager: each known bug against one kind of check at a time.

It decides what each bug claims of which column and how a cell reads; what a check sees is measured
by `fuzz.columns`. A bug that a step or a part shows must be refused by lockstep; one that only the
bytes show must be seen by schedules; the right manager must be left alone by all. What *counts
only* misses is told, and is nobody's claim.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kvcheck.fuzz.columns import Cell, Column, KnownBug, known_bugs, measure
from kvcheck.verdict import Evidence, ObligationResult, Outcome, Verdict

RIGHT = "blocks"


@dataclass(frozen=True, slots=True)
class Measured:
    """One cell and the seconds that it took."""

    name: str
    column: Column
    cell: Cell
    seconds: float


def managers(names: Sequence[str]) -> list[str]:
    """The bugs of the manager among these names, and the right manager if there is any."""
    known = known_bugs()
    chosen = [name for name in known if name in names]
    return [*chosen, RIGHT] if chosen else []


def claims(name: str) -> tuple[Column, ...]:
    """The columns that must see it; a bug that needs two threads may need a campaign."""
    bug = known_bugs()[name]
    if bug.needs_threads:
        return ()
    return (Column.SCHEDULES,) if bug.only_bytes else (Column.LOCKSTEP,)


def expected(names: Sequence[str]) -> list[str]:
    """The ids of all that is to be accounted for."""
    bugs = [_id(name, column) for name in names if name != RIGHT for column in claims(name)]
    return [*bugs, *(_id(name, column) for name in names if name == RIGHT for column in Column)]


def measured(name: str, column: Column, clock: Callable[[], float]) -> Measured:
    """Measure one cell."""
    begun = clock()
    cell = measure(name, column)
    return Measured(name, column, cell, clock() - begun)


def result(one: Measured) -> ObligationResult | None:
    """What came of a claim; None where there is none."""
    runs = f"{one.cell.runs} run{'s' * (one.cell.runs != 1)}"
    holds = Verdict(Outcome.HOLDS, Evidence.OBSERVED, runs)
    if one.name == RIGHT:
        wrong = Verdict(Outcome.VIOLATED, Evidence.OBSERVED, runs, "a false alarm")
        verdict = wrong if one.cell.by else holds
    elif one.column in claims(one.name):
        missed = Verdict(Outcome.VIOLATED, Evidence.NONE, runs, f"{one.column.value} missed it")
        verdict = holds if one.cell.by else missed
    else:
        return None
    detail = f"found {one.cell.by or 'nothing'}"
    return ObligationResult(_id(one.name, one.column), verdict, one.seconds, detail=detail)


def row(name: str, cells: Sequence[Measured]) -> list[str]:
    """A line of the matrix."""
    bug: KnownBug | None = known_bugs().get(name)
    by_column = {one.column: _words(one) for one in cells}
    head = [bug.row if bug else "", name]
    return [*head, *(by_column.get(column, "not run") for column in Column)]


def missed_by_counts(cells: Sequence[Measured]) -> str:
    """What the baseline does not see, in a sentence."""
    counted = [one for one in cells if one.column is Column.COUNTS and one.name != RIGHT]
    blind = [one.name for one in counted if not one.cell.by]
    if not blind:
        return f"Counts only missed none of {len(counted)}."
    return f"Counts only missed {len(blind)} of {len(counted)}: {', '.join(blind)}."


def _words(one: Measured) -> str:
    if one.cell.by:
        return f"{'FALSE ALARM' if one.name == RIGHT else 'killed'}, run {one.cell.runs}"
    return "silent" if one.name == RIGHT else "missed"


def _id(name: str, column: Column) -> str:
    return f"{name}/{column.value}/any/{'silent' if name == RIGHT else 'killed'}"
