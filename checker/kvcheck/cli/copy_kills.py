"""The kill matrix of the copy streams: each known bug against the device's order, and the bytes.

It decides what is claimed and how a cell reads; what a look sees is measured by
`fuzz.copy_columns`. Each bug must be seen by the order of accesses, and the right streams by
nothing; wrong bytes need an order of the device that not every run draws, and are nobody's claim.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kvcheck.fuzz.copy_columns import RIGHT, CopyCell, Look, copy_rows, measure_copies
from kvcheck.verdict import Evidence, ObligationResult, Outcome, Verdict

HEAD = ("row", "in the copy streams", *(look.value for look in Look))


@dataclass(frozen=True, slots=True)
class Sent:
    """One cell and the seconds that it took."""

    name: str
    look: Look
    cell: CopyCell
    seconds: float


def copy_streams(names: Sequence[str]) -> list[str]:
    """The bugs of the copy streams among these names, and the right streams if there is any."""
    chosen = [name for name in copy_rows() if name in names]
    return [*chosen, RIGHT] if chosen else []


def expected_copies(names: Sequence[str]) -> list[str]:
    """The ids of all that is to be accounted for."""
    return [_id(name, look) for name in names for look in _claims(name)]


def measured_copies(name: str, look: Look, clock: Callable[[], float]) -> Sent:
    """Measure one cell."""
    begun = clock()
    cell = measure_copies(name, look)
    return Sent(name, look, cell, clock() - begun)


def result_copies(one: Sent) -> ObligationResult | None:
    """What came of a claim; None where there is none."""
    if one.look not in _claims(one.name):
        return None
    runs = f"{one.cell.runs} run{'s' * (one.cell.runs != 1)}"
    is_right = one.name == RIGHT
    if bool(one.cell.by) is not is_right:
        verdict = Verdict(Outcome.HOLDS, Evidence.OBSERVED, runs)
    else:
        why = "a false alarm" if is_right else f"{one.look.value} missed it"
        verdict = Verdict(Outcome.VIOLATED, Evidence.OBSERVED, runs, why)
    detail = f"found {one.cell.by or 'nothing'}"
    return ObligationResult(_id(one.name, one.look), verdict, one.seconds, detail=detail)


def row_copies(name: str, cells: Sequence[Sent]) -> list[str]:
    """A line of the matrix."""
    by_look = {one.look: _words(one) for one in cells if one.name == name}
    head = "" if name == RIGHT else copy_rows()[name]
    return [head, name, *(by_look.get(look, "not run") for look in Look)]


def _claims(name: str) -> tuple[Look, ...]:
    return tuple(Look) if name == RIGHT else (Look.ORDER,)


def _words(one: Sent) -> str:
    if one.cell.by:
        return f"{'FALSE ALARM' if one.name == RIGHT else 'killed'}, run {one.cell.runs}"
    return f"silent, {one.cell.runs}" if one.name == RIGHT else "missed"


def _id(name: str, look: Look) -> str:
    told = name.replace(" ", "-")
    return f"{told}/{look.value}/any/{'silent' if name == RIGHT else 'killed'}"
