"""The kill matrix of the manager that threads share: each known bug against one check at a time.

It decides how a cell reads and what becomes of a claim; what a check sees is measured by
`threads.columns`. A claim that is missed is a violation, and so is anything that is seen of the
right manager; a search that ran out of its budget in silence has settled nothing. What a bug does
not claim is not searched to the end: *not in n* runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvcheck.threads.columns import EVERY_ORDER, RIGHT, Cell, Column, bug_rows, claims, measure
from kvcheck.verdict import Evidence, ObligationResult, Outcome, Verdict

if TYPE_CHECKING:
    pass

HEAD = ("row", "shared by threads", *(column.value for column in Column))


@dataclass(frozen=True, slots=True)
class Shared:
    """One cell and the seconds that it took; all orders are run once for several columns."""

    name: str
    column: Column
    cell: Cell
    seconds: float


def shared_managers(names: Sequence[str]) -> list[str]:
    """The bugs among these names, and the right manager if there is any."""
    chosen = [name for name in bug_rows() if name in names]
    return [*chosen, RIGHT] if chosen else []


def expected_shared(names: Sequence[str]) -> list[str]:
    """The ids of all that is to be accounted for."""
    return [_id(n, column) for n in names for column in (Column if n == RIGHT else claims(n))]


def measured_shared(name: str, clock: Callable[[], float]) -> Iterator[Shared]:
    """Measure every cell of one manager."""
    begun = clock()
    for column, cell in measure(name):
        now = clock()
        yield Shared(name, column, cell, now - begun)
        begun = now


def result_shared(one: Shared) -> ObligationResult | None:
    """What came of a claim; None where there is none."""
    is_right = one.name == RIGHT
    if not is_right and one.column not in claims(one.name):
        return None
    runs = f"{one.cell.runs} run{'s' * (one.cell.runs != 1)}"
    if one.cell.is_open:
        why = f"the budget was spent on {one.column.value}"
        verdict = Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, runs, why)
    elif bool(one.cell.by) is not is_right:
        is_all = is_right and one.column in EVERY_ORDER
        evidence = Evidence.EXHAUSTED if is_all else Evidence.OBSERVED
        verdict = Verdict(Outcome.HOLDS, evidence, runs)
    else:
        why = "a false alarm" if is_right else f"{one.column.value} missed it"
        verdict = Verdict(Outcome.VIOLATED, Evidence.OBSERVED, runs, why)
    found = one.cell.by.splitlines()[0] if one.cell.by else "nothing"
    return ObligationResult(
        _id(one.name, one.column), verdict, one.seconds, detail=f"found {found}"
    )


def row_shared(name: str, cells: Sequence[Shared]) -> list[str]:
    """A line of the matrix."""
    by_column = {one.column: _words(one) for one in cells if one.name == name}
    head = "" if name == RIGHT else bug_rows()[name]
    return [head, name, *(by_column.get(column, "not run") for column in Column)]


def _words(one: Shared) -> str:
    if one.cell.by:
        return f"{'FALSE ALARM' if one.name == RIGHT else 'killed'}, run {one.cell.runs}"
    if one.name == RIGHT:
        return f"open, {one.cell.runs}" if one.cell.is_open else f"silent, {one.cell.runs}"
    return f"not in {one.cell.runs}" if one.cell.is_open else "missed"


def _id(name: str, column: Column) -> str:
    return f"{name}/{column.value}/any/{'silent' if name == RIGHT else 'killed'}"
