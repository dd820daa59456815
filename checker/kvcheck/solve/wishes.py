"""What makes a counterexample small: a list of wishes, the most wanted first.

It decides what a reader would rather see, not whether it can be had. Fewest things first: short
queues of copies, then cells as an initial state has them, else blank, then small arguments.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kvcheck.solve.cells import ArrayQueue, TicketQueue, has_row
from kvcheck.solve.finite_state import Cells, rows_of
from kvcheck.solve.numbers import Algebra, Bit, Number, Scalar, known, negation
from kvspec.lang.ir import Model
from kvspec.lang.state import State, blank_row
from kvspec.lang.types import FifoType


def wishes_for(
    algebra: Algebra, model: Model, cells: Cells, usual: State, arguments: Sequence[Scalar]
) -> list[Bit]:
    """Every wish about a state and the arguments of a step from it; `usual` is what to resemble."""
    return [
        *_short_queues(algebra, model, cells),
        *_usual_rows(algebra, model, cells, usual),
        *_small_arguments(algebra, arguments),
    ]


def _short_queues(algebra: Algebra, model: Model, cells: Cells) -> Iterator[Bit]:
    for variable in model.variables:
        if not isinstance(variable.leaf, FifoType) or variable.leaf.unique:
            continue
        for cell in cells[variable.name]:
            assert isinstance(cell, ArrayQueue)
            for length in range(variable.leaf.capacity):
                yield algebra.at_most(cell.length, known(length))


def _usual_rows(algebra: Algebra, model: Model, cells: Cells, usual: State) -> Iterator[Bit]:
    for variable, number, row in rows_of(model, usual):
        cell = cells[variable.name][number]
        yield has_row(algebra, variable.leaf, cell, row)
        blank = blank_row(variable)
        if blank != row:
            yield has_row(algebra, variable.leaf, cell, blank)
        if isinstance(cell, TicketQueue):
            yield from (algebra.at_most(cell.length, known(n)) for n in range(1, len(cell.members)))


def _small_arguments(algebra: Algebra, arguments: Sequence[Scalar]) -> Iterator[Bit]:
    for argument in arguments:
        if isinstance(argument, Number):
            yield from (
                algebra.at_most(argument, known(v)) for v in range(argument.low, argument.high)
            )
        else:
            yield negation(argument)
