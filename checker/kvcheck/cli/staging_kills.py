"""The kill matrix of staging: each known bug against one kind of order at a time.

It decides how a cell reads and what becomes of a claim; what an order shows is measured by
`fuzz.staging_columns`. A claim that is missed is a violation, and so are any sign at a right
staging and a bug that the design refuses at another step than the bug's; an exploration that ran
out of its budget in silence has settled nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kvcheck.fuzz.staging import RIGHT
from kvcheck.fuzz.staging_columns import (
    Order,
    OrderCell,
    bug_rows,
    claimed_step,
    claims,
    measure_order,
)
from kvcheck.verdict import Evidence, ObligationResult, Outcome, Verdict

HEAD = ("row", "in staging", *(order.value for order in Order))


@dataclass(frozen=True, slots=True)
class Staged:
    """One cell and the seconds that it took."""

    name: str
    order: Order
    cell: OrderCell
    seconds: float


def stagings(names: Sequence[str]) -> list[str]:
    """The bugs of staging among these names, and the right stagings if there is any."""
    chosen = [name for name in bug_rows() if name in names]
    return [*chosen, *RIGHT] if chosen else []


def expected_staged(names: Sequence[str]) -> list[str]:
    """The ids of all that is to be accounted for."""
    return [_id(n, order) for n in names for order in (Order if n in RIGHT else claims(n))]


def measured_staged(name: str, order: Order, clock: Callable[[], float]) -> Staged:
    """Measure one cell."""
    begun = clock()
    cell = measure_order(name, order)
    return Staged(name, order, cell, clock() - begun)


def result_staged(one: Staged) -> ObligationResult | None:
    """What came of a claim; None where there is none."""
    runs = f"{one.cell.runs} run{'s' * (one.cell.runs != 1)}"
    is_right = one.name in RIGHT
    if not is_right and one.order not in claims(one.name):
        return None
    if one.cell.is_open:
        why = f"the budget was spent on {one.order.value}"
        verdict = Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, runs, why)
    elif one.cell.refused_at and not is_right and one.cell.refused_at != claimed_step(one.name):
        why = f"refused at {one.cell.refused_at}, not at {claimed_step(one.name)}"
        verdict = Verdict(Outcome.VIOLATED, Evidence.OBSERVED, runs, why)
    elif bool(one.cell.by) is not is_right:
        exhausted = is_right and one.order in (Order.EVERY, Order.LOCKSTEP)
        evidence = Evidence.EXHAUSTED if exhausted else Evidence.OBSERVED
        verdict = Verdict(Outcome.HOLDS, evidence, runs)
    else:
        why = "a false alarm" if is_right else f"{one.order.value} missed it"
        verdict = Verdict(Outcome.VIOLATED, Evidence.OBSERVED, runs, why)
    return ObligationResult(
        _id(one.name, one.order), verdict, one.seconds, detail=f"found {_signs(one) or 'nothing'}"
    )


def row_staged(name: str, cells: Sequence[Staged]) -> list[str]:
    """A line of the matrix."""
    by_order = {one.order: _words(one) for one in cells if one.name == name}
    head = "" if name in RIGHT else bug_rows()[name]
    return [head, name, *(by_order.get(order, "not run") for order in Order)]


def _words(one: Staged) -> str:
    if one.cell.by:
        told = "FALSE ALARM" if one.name in RIGHT else "killed"
        return f"{told}, run {one.cell.runs}: {_signs(one)}"
    if one.cell.is_open:
        return f"open, {one.cell.runs} runs"
    return f"silent, {one.cell.runs}" if one.name in RIGHT else "missed"


def _signs(one: Staged) -> str:
    if one.cell.refused_at:
        return f"refused at {one.cell.refused_at}"
    return ", ".join(sign.value for sign in one.cell.by)


def _id(name: str, order: Order) -> str:
    return f"{name}/{order.value}/any/{'silent' if name in RIGHT else 'killed'}"
