"""A whole symbolic state of one instance: a cell for every row of every variable.

It decides how a state is made unknown, fixed to a concrete one, and read back out of a Z3 model;
it evaluates nothing. The names of its unknowns carry a tag, so that several states can stand in
one query.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from kvcheck.solve.numbers import Algebra, Bit, Term, conjunction, implication
from kvspec.lang.ir import Model, Variable
from kvspec.lang.state import Row, State

Cells: TypeAlias = dict[str, list[Cell]]


def fresh_state(algebra: Algebra, model: Model, *, tag: str) -> tuple[Cells, Bit]:
    """An unknown state, and the constraint that every cell is well formed."""
    cells: Cells = {}
    constraints = []
    for variable in model.variables:
        column = []
        for row in range(variable.row_count):
            cell, well_formed = fresh_cell(algebra, variable.leaf, f"{tag}{variable.name}.{row}")
            column.append(cell)
            constraints.append(well_formed)
        cells[variable.name] = column
    return cells, conjunction(*constraints)


def merged_state(
    algebra: Algebra, model: Model, choices: Sequence[tuple[Bit, Cells]], *, tag: str
) -> tuple[Cells, Bit]:
    """A state that is each choice's where that choice's bit is true, and the constraint for it.

    A cell that is the same in all choices stays that cell; any other becomes an unknown, defined.
    """
    merged: Cells = {}
    constraints = []
    for variable in model.variables:
        column = []
        for row in range(variable.row_count):
            options = [(bit, cells[variable.name][row]) for bit, cells in choices]
            cell, defined = _merged_cell(algebra, variable, options, f"{tag}{variable.name}.{row}")
            column.append(cell)
            constraints.append(defined)
        merged[variable.name] = column
    return merged, conjunction(*constraints)


def _merged_cell(
    algebra: Algebra, variable: Variable, options: Sequence[tuple[Bit, Cell]], name: str
) -> tuple[Cell, Bit]:
    _, first = options[0]
    if all(cell is first for _, cell in options):
        return first, True
    tickets = [cell.next_ticket for _, cell in options if isinstance(cell, TicketQueue)]
    unknown, _ = fresh_cell(algebra, variable.leaf, name, tickets=max(tickets, default=0))
    defined = [implication(bit, same_cell(algebra, unknown, cell)) for bit, cell in options]
    return unknown, conjunction(*defined)


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


def same_state(algebra: Algebra, model: Model, left: Cells, right: Cells) -> Bit:
    """True where both are the same state."""
    pairs = (
        (one, other)
        for variable in model.variables
        for one, other in zip(left[variable.name], right[variable.name], strict=True)
    )
    return conjunction(*(same_contents(algebra, one, other) for one, other in pairs))
