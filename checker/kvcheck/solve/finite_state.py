"""A whole symbolic state of one instance: a cell for every row of every variable.

It decides how a state is made unknown, fixed to a concrete one, and read back out of a Z3 model;
it evaluates nothing. The names of its unknowns carry a tag, so that several states can stand in
one query.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from kvcheck.solve.cells import (
    Cell,
    TicketQueue,
    cell_of,
    fresh_cell,
    has_row,
    row_in,
    same_cell,
    same_contents,
)
from kvcheck.solve.numbers import Algebra, Bit, Term, conjunction
from kvspec.lang.ir import Model, Variable
from kvspec.lang.state import Row, State

Cells: TypeAlias = dict[str, list[Cell]]


def fresh_state(
    algebra: Algebra, model: Model, *, tag: str, like: Cells | None = None
) -> tuple[Cells, Bit]:
    """An unknown state, and the constraint that every cell is well formed.

    A state that is to be equal to another one gets room for that one's tickets: pass it as `like`.
    """
    cells: Cells = {}
    constraints = []
    for variable in model.variables:
        column = []
        for row in range(variable.row_count):
            tickets = 0
            if like is not None:
                other = like[variable.name][row]
                tickets = other.next_ticket if isinstance(other, TicketQueue) else 0
            name = f"{tag}{variable.name}.{row}"
            cell, well_formed = fresh_cell(algebra, variable.leaf, name, tickets=tickets)
            column.append(cell)
            constraints.append(well_formed)
        cells[variable.name] = column
    return cells, conjunction(*constraints)


def cells_of(model: Model, state: State) -> Cells:
    """The symbolic state of a concrete one: nothing in it is unknown."""
    return {
        variable.name: [cell_of(variable.leaf, row) for row in rows]
        for variable, rows in zip(model.variables, state, strict=True)
    }


def state_in(solution: Term, model: Model, cells: Cells) -> State:
    """The concrete state that a Z3 model gives a symbolic one."""
    return tuple(
        tuple(row_in(solution, variable.leaf, cell) for cell in cells[variable.name])
        for variable in model.variables
    )


def rows_of(model: Model, state: State) -> Iterator[tuple[Variable, int, Row]]:
    """Every row of a concrete state with its variable and number, in the model's order."""
    for variable, rows in zip(model.variables, state, strict=True):
        for number, row in enumerate(rows):
            yield variable, number, row


def is_state(algebra: Algebra, model: Model, cells: Cells, state: State) -> Bit:
    """True where the symbolic state is this concrete one."""
    return conjunction(
        *(
            has_row(algebra, variable.leaf, cells[variable.name][number], row)
            for variable, number, row in rows_of(model, state)
        )
    )


def becomes(algebra: Algebra, model: Model, left: Cells, right: Cells) -> Bit:
    """True where `left` is `right`, queue tickets included: for defining one by the other."""
    pairs = (
        (one, other)
        for variable in model.variables
        for one, other in zip(left[variable.name], right[variable.name], strict=True)
    )
    return conjunction(*(same_cell(algebra, one, other) for one, other in pairs))


def same_state(algebra: Algebra, model: Model, left: Cells, right: Cells) -> Bit:
    """True where both are the same state."""
    pairs = (
        (one, other)
        for variable in model.variables
        for one, other in zip(left[variable.name], right[variable.name], strict=True)
    )
    return conjunction(*(same_contents(algebra, one, other) for one, other in pairs))
