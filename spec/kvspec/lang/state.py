"""What a state is: plain nested tuples, so that states can be compared, hashed and stored.

It decides the layout and the reader's rendering of a state, not how one changes. A state holds a
tuple of rows for each variable, in the model's order; a row is an int (a scalar, or the bit mask
of a set), or for a FIFO a tuple of its elements, oldest first: ints, or a tuple of ints a record.
Rows run through a variable's index types in order, the last index fastest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from kvspec.lang.ir import Model, Variable
from kvspec.lang.types import (
    FifoType,
    RecordType,
    ScalarType,
    SetType,
    render_value,
    value_count,
)

Element: TypeAlias = int | tuple[int, ...]
Row: TypeAlias = int | tuple[Element, ...]
State: TypeAlias = tuple[tuple[Row, ...], ...]


def row_number(dims: Sequence[ScalarType], index: Sequence[int]) -> int:
    """The row that an index selects; `index` holds one value for each of `dims`."""
    row = 0
    for dim, value in zip(dims, index, strict=True):
        row = row * value_count(dim) + (value - dim.low)
    return row


def row_indices(dims: Sequence[ScalarType]) -> Iterator[tuple[int, ...]]:
    """Every index of a map, in row order; one empty index for a plain variable."""
    return product(*(range(dim.low, dim.high + 1) for dim in dims))


def blank_row(variable: Variable) -> Row:
    """The row before `init` ran: empty, or the value nearest to 0 that the type has."""
    leaf = variable.leaf
    if isinstance(leaf, FifoType):
        return ()
    if isinstance(leaf, SetType):
        return 0
    return min(max(0, leaf.low), leaf.high)


def blank_state(model: Model) -> State:
    """The state that `init` starts from."""
    return tuple((blank_row(v),) * v.row_count for v in model.variables)


def render_row(variable: Variable, row: Row) -> str:
    """One cell as a reader meets it: `PRIMARY`, `[block0 block2]`, `{block1}`."""
    leaf = variable.leaf
    match leaf:
        case FifoType(element=element):
            assert isinstance(row, tuple)
            return "[" + " ".join(_render_element(element, item) for item in row) + "]"
        case SetType(element=element):
            assert isinstance(row, int)
            members = [
                render_value(element, element.low + k)
                for k in range(value_count(element))
                if row >> k & 1
            ]
            return "{" + " ".join(members) + "}"
        case _:
            assert isinstance(row, int)
            return render_value(leaf, row)


def _render_element(element: ScalarType | RecordType, item: Element) -> str:
    if isinstance(element, RecordType):
        assert isinstance(item, tuple)
        fields = zip(element.fields, item, strict=True)
        return "(" + " ".join(f"{name}={render_value(t, v)}" for (name, t), v in fields) + ")"
    assert isinstance(item, int)
    return render_value(element, item)


def cell_name(variable: Variable, index: Sequence[int]) -> str:
    """The cell as the spec writes it: `refs[block0]`, `nfree[PRIMARY]`."""
    keys = zip(variable.dims, index, strict=True)
    return variable.name + "".join(f"[{render_value(dim, value)}]" for dim, value in keys)


@dataclass(frozen=True, slots=True)
class Change:
    """One cell that a step changed, rendered before and after."""

    cell: str
    before: str
    after: str


def changes(model: Model, before: State, after: State) -> tuple[Change, ...]:
    """The cells that differ, in the model's order."""
    found = []
    for variable, old_rows, new_rows in zip(model.variables, before, after, strict=True):
        if old_rows == new_rows:
            continue
        rows = zip(row_indices(variable.dims), old_rows, new_rows, strict=True)
        for index, old, new in rows:
            if old != new:
                name = cell_name(variable, index)
                found.append(Change(name, render_row(variable, old), render_row(variable, new)))
    return tuple(found)


def render_state(model: Model, state: State) -> tuple[tuple[str, str], ...]:
    """Every cell's name and value, in the model's order."""
    return tuple(
        (cell_name(variable, index), render_row(variable, row))
        for variable, rows in zip(model.variables, state, strict=True)
        for index, row in zip(row_indices(variable.dims), rows, strict=True)
    )
