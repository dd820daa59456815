"""What was compared once is not compared again, and nothing that changed is taken for the same."""

from __future__ import annotations

from typing import Any

import pytest

from kvcheck.lockstep import tiers
from kvcheck.lockstep.agreement import Agree
from kvcheck.lockstep.tiers import Requests
from kvspec.events import Key, Observation, RequestId, Shape
from kvspec.lang.state import State

SHAPE = Shape(
    primary_count=2,
    secondary_count=2,
    priority_count=1,
    references_max=4,
    pins_max=2,
    copies_max=2,
)
DESIGN = tiers(SHAPE)
A = RequestId(7)
FIELDS = [field.name for field in DESIGN.fields]


def shown(state: State, requests: Requests) -> dict[str, Any]:  # Any: of each field's own type
    "What an implementation in this state shows, all of it made anew."
    cells = {f.name: f.words(state[f.variable], requests) for f in DESIGN.fields}
    cells["keys"] = tuple([Key(b"k%d" % n) if kept else None for n, kept in enumerate(state[4])])
    return {name: _anew(cell) for name, cell in cells.items()}


def _anew(cell: object) -> object:
    if isinstance(cell, tuple):
        return tuple([_anew(each) for each in cell])
    return frozenset(cell) if isinstance(cell, frozenset) else cell


def wrong(cell: Any) -> Any:  # Any: of a field's own type
    "Another value of the same kind in the last place."
    last = cell[-1]
    changed: Any = None
    match last:
        case bool():
            changed = not last
        case int():
            changed = last + 1
        case None:
            changed = Key(b"another")
        case frozenset():
            changed = last ^ {A}
        case tuple():
            changed = (*last, 9)
    return (*cell[:-1], changed)


def agree(
    state: State, requests: Requests
) -> tuple[Agree, dict[str, Any]]:  # Any: of each field's own type
    "A comparison that has agreed once, and what was shown then."
    compare, cells = DESIGN.agreement(), shown(state, requests)
    assert compare(Observation(**cells), state, requests)
    return compare, cells


@pytest.mark.parametrize("field", FIELDS)
def test_a_cell_that_changed_after_it_agreed_is_seen(field: str) -> None:
    requests = Requests(4)
    compare, cells = agree(DESIGN.start, requests)
    cells[field] = wrong(cells[field])
    seen = Observation(**cells)
    for _ in range(2):  # what did not agree is not taken for known the second time
        assert not compare(seen, DESIGN.start, requests)


@pytest.mark.parametrize("field", FIELDS)
def test_a_row_that_changed_under_what_is_still_shown_is_seen(field: str) -> None:
    requests = Requests(4)
    requests.number(A, DESIGN.start[1])
    compare, cells = agree(DESIGN.start, requests)
    variable = next(f.variable for f in DESIGN.fields if f.name == field)
    row = DESIGN.start[variable]
    last = (*row[-1], 0) if isinstance(row[-1], tuple) else 1 - int(row[-1] == 1)
    if field == "pending":
        last = ((0, 1),)
    state = (*DESIGN.start[:variable], (*row[:-1], last), *DESIGN.start[variable + 1 :])
    assert not compare(Observation(**cells), state, requests)


def test_a_cell_that_is_not_shown_is_not_judged_and_is_judged_when_it_is_back() -> None:
    requests = Requests(4)
    compare, cells = agree(DESIGN.start, requests)
    blind = Observation(**{**cells, "holders": None})
    assert compare(blind, DESIGN.start, requests)
    back = Observation(**{**cells, "holders": wrong(cells["holders"])})
    assert not compare(back, DESIGN.start, requests)


def test_a_cell_that_could_change_while_it_is_kept_is_not_accepted() -> None:
    requests = Requests(4)
    compare = DESIGN.agreement()
    cells = shown(DESIGN.start, requests)
    cells["holders"] = tuple([set[RequestId]() for _ in range(4)])
    with pytest.raises(TypeError, match="can change while a judge keeps it"):
        compare(Observation(**cells), DESIGN.start, requests)


def test_what_one_judge_keeps_is_not_another_s() -> None:
    requests = Requests(4)
    _, cells = agree(DESIGN.start, requests)
    cells["holders"] = wrong(cells["holders"])
    assert not DESIGN.agreement()(Observation(**cells), DESIGN.start, requests)
