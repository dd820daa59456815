"""The cells of a symbolic state: a scalar, a set as one bit an element, a queue in two encodings.

It decides how a cell is represented, made, compared and read back; what changes one is in
`cell_steps`. Cells are values. A duplicate-free queue is membership and arrival tickets,
the oldest being the member with the least ticket; since only the order of tickets matters, a state
begins with tickets below the number of elements and each later push brings the next constant. Any
other queue is an array that shifts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeAlias

from kvcheck.solve.numbers import (
    Algebra,
    Bit,
    Number,
    Scalar,
    Term,
    bit_value,
    conjunction,
    disjunction,
    implication,
    known,
    negation,
    number_value,
    same_bit,
)
from kvspec.lang.state import Element, Row
from kvspec.lang.types import BoolType, FifoType, LeafType, ScalarType, SetType, value_count


@dataclass(frozen=True, slots=True)
class SetCell:
    """A set: whether each element is in it."""

    members: tuple[Bit, ...]


@dataclass(frozen=True, slots=True)
class TicketQueue:
    """A duplicate-free queue of the values from `low` on; `next_ticket` is above every ticket."""

    low: int
    members: tuple[Bit, ...]
    tickets: tuple[Number, ...]
    length: Number
    next_ticket: int


@dataclass(frozen=True, slots=True)
class ArrayQueue:
    """Any queue: `columns` holds for each field its values, oldest first; moot from `length` on."""

    columns: tuple[tuple[Scalar, ...], ...]
    length: Number


Queue: TypeAlias = TicketQueue | ArrayQueue
Cell: TypeAlias = Scalar | SetCell | TicketQueue | ArrayQueue


def scalar_of(kind: ScalarType, value: int) -> Scalar:
    """A constant of a scalar type."""
    return bool(value) if isinstance(kind, BoolType) else known(value)


def typed_scalar(algebra: Algebra, kind: ScalarType, value: Scalar) -> Scalar:
    """A value known to be of the type, as narrow as the type."""
    if isinstance(kind, BoolType):
        return value
    return algebra.narrow(algebra.as_number(value), kind.low, kind.high)


def fresh_scalar(algebra: Algebra, kind: ScalarType, name: str) -> tuple[Scalar, Bit]:
    """An unknown value of the type, and the constraint that it is one."""
    if isinstance(kind, BoolType):
        return algebra.fresh_bit(name), True
    return algebra.fresh(name, kind.low, kind.high)


def fresh_cell(
    algebra: Algebra, leaf: LeafType, name: str, *, tickets: int = 0
) -> tuple[Cell, Bit]:
    """An unknown cell, and the constraint that it is well formed.

    `tickets` bounds the tickets of a duplicate-free queue from above; 0 stands for just enough.
    """
    if isinstance(leaf, SetType):
        members = [algebra.fresh_bit(f"{name}.{k}") for k in range(value_count(leaf.element))]
        return SetCell(tuple(members)), True
    if not isinstance(leaf, FifoType):
        return fresh_scalar(algebra, leaf, name)
    if leaf.unique:
        return _fresh_ticket_queue(algebra, leaf, name, tickets)
    return _fresh_array_queue(algebra, leaf, name)


def _fresh_ticket_queue(
    algebra: Algebra, leaf: FifoType, name: str, tickets: int
) -> tuple[TicketQueue, Bit]:
    _, kind = leaf.fields[0]
    size = value_count(kind)
    bound = max(tickets, size, 1)
    members = tuple(algebra.fresh_bit(f"{name}.in{k}") for k in range(size))
    drawn = [algebra.fresh(f"{name}.ticket{k}", 0, bound - 1) for k in range(size)]
    numbers = tuple(number for number, _ in drawn)
    length = algebra.count(members)
    distinct = [
        negation(conjunction(members[i], members[j], algebra.same_number(numbers[i], numbers[j])))
        for i in range(size)
        for j in range(i)
    ]
    fits = algebra.at_most(length, known(leaf.capacity))
    queue = TicketQueue(kind.low, members, numbers, length, bound)
    counted, count_fits = algebra.fresh(f"{name}.length", 0, min(size, leaf.capacity))
    is_empty = same_bit(algebra.less(known(0), counted), disjunction(*members))  # said twice
    agrees = conjunction(count_fits, algebra.same_number(counted, length), fits, is_empty)
    well_formed = conjunction(*(fit for _, fit in drawn), *distinct, agrees)
    return replace(queue, length=counted), well_formed


def _fresh_array_queue(algebra: Algebra, leaf: FifoType, name: str) -> tuple[ArrayQueue, Bit]:
    length, fits = algebra.fresh(f"{name}.length", 0, leaf.capacity)
    columns, constraints = [], [fits]
    for field, kind in leaf.fields:
        drawn = [
            fresh_scalar(algebra, kind, f"{name}.{field}{place}") for place in range(leaf.capacity)
        ]
        columns.append(tuple(value for value, _ in drawn))
        constraints += [fit for _, fit in drawn]
    return ArrayQueue(tuple(columns), length), conjunction(*constraints)


# ---- constants -----------------------------------------------------------------------------------


def cell_of(leaf: LeafType, row: Row) -> Cell:
    """The cell of a concrete row."""
    if isinstance(leaf, SetType):
        assert isinstance(row, int)
        return SetCell(tuple(bool(row >> k & 1) for k in range(value_count(leaf.element))))
    if not isinstance(leaf, FifoType):
        assert isinstance(row, int)
        return scalar_of(leaf, row)
    assert isinstance(row, tuple)
    items = [_fields(item) for item in row]
    if not leaf.unique:
        columns = []
        for number, (_, kind) in enumerate(leaf.fields):
            values = [item[number] for item in items]
            values += [kind.low] * (leaf.capacity - len(values))
            columns.append(tuple(scalar_of(kind, value) for value in values))
        return ArrayQueue(tuple(columns), known(len(row)))
    _, kind = leaf.fields[0]
    values = [item[0] for item in items]
    ids = range(kind.low, kind.high + 1)
    members = tuple(value in values for value in ids)
    tickets = tuple(known(values.index(v) if v in values else 0) for v in ids)
    return TicketQueue(kind.low, members, tickets, known(len(row)), len(row))


def _fields(item: Element) -> tuple[int, ...]:
    return item if isinstance(item, tuple) else (item,)


def row_in(solution: Term, leaf: LeafType, cell: Cell) -> Row:
    """The concrete row that a Z3 model gives a cell."""
    match cell:
        case SetCell(members=members):
            return sum(1 << k for k, bit in enumerate(members) if bit_value(solution, bit))
        case TicketQueue():
            present = [
                (number_value(solution, ticket), cell.low + k)
                for k, (bit, ticket) in enumerate(zip(cell.members, cell.tickets, strict=True))
                if bit_value(solution, bit)
            ]
            return tuple(value for _, value in sorted(present))
        case ArrayQueue():
            assert isinstance(leaf, FifoType)
            length = number_value(solution, cell.length)
            items = [
                tuple(scalar_in(solution, column[place]) for column in cell.columns)
                for place in range(length)
            ]
            scalar = leaf.fields[0][0] == "" and len(leaf.fields) == 1
            return tuple(item[0] for item in items) if scalar else tuple(items)
        case _:
            return scalar_in(solution, cell)


def scalar_in(solution: Term, value: Scalar) -> int:
    """The value that a Z3 model gives a scalar, as a concrete state holds it."""
    if isinstance(value, Number):
        return number_value(solution, value)
    return int(bit_value(solution, value))


# ---- equality ------------------------------------------------------------------------------------


def same_cell(algebra: Algebra, left: Cell, right: Cell) -> Bit:
    """True where both cells hold the same value.

    Queues of tickets are compared ticket by ticket, which is finer than their order: use it to
    *define* a cell, and `has_row` to test one.
    """
    match left, right:
        case SetCell(), SetCell():
            return _same_bits(left.members, right.members)
        case TicketQueue(), TicketQueue():
            tickets = [
                implication(bit, algebra.same_number(one, other))
                for bit, one, other in zip(left.members, left.tickets, right.tickets, strict=True)
            ]
            length = algebra.same_number(left.length, right.length)
            return conjunction(_same_bits(left.members, right.members), length, *tickets)
        case ArrayQueue(), ArrayQueue():
            used = [
                implication(
                    algebra.less(known(place), left.length), algebra.same(one[place], other[place])
                )
                for one, other in zip(left.columns, right.columns, strict=True)
                for place in range(len(one))
            ]
            return conjunction(algebra.same_number(left.length, right.length), *used)
        case _:
            assert not isinstance(left, SetCell | TicketQueue | ArrayQueue)
            assert not isinstance(right, SetCell | TicketQueue | ArrayQueue)
            return algebra.same(left, right)


def _same_bits(left: Sequence[Bit], right: Sequence[Bit]) -> Bit:
    return conjunction(*(same_bit(a, b) for a, b in zip(left, right, strict=True)))


def has_row(algebra: Algebra, leaf: LeafType, cell: Cell, row: Row) -> Bit:
    """True where the cell holds exactly this concrete row."""
    if not isinstance(cell, TicketQueue):
        return same_cell(algebra, cell_of(leaf, row), cell)
    assert isinstance(row, tuple)
    places = [item - cell.low for item in row if isinstance(item, int)]
    members = [bit if k in places else negation(bit) for k, bit in enumerate(cell.members)]
    ordered = [
        algebra.less(cell.tickets[older], cell.tickets[younger])
        for older, younger in pairwise(places)
    ]
    return conjunction(algebra.same_number(cell.length, known(len(row))), *members, *ordered)


def same_contents(algebra: Algebra, left: Cell, right: Cell) -> Bit:
    """True where both cells hold the same value, queues by their order and not their tickets."""
    if not (isinstance(left, TicketQueue) and isinstance(right, TicketQueue)):
        return same_cell(algebra, left, right)
    size = len(left.members)
    ordered = [
        implication(
            conjunction(left.members[i], left.members[j]),
            same_bit(
                algebra.less(left.tickets[i], left.tickets[j]),
                algebra.less(right.tickets[i], right.tickets[j]),
            ),
        )
        for i in range(size)
        for j in range(i)
    ]
    return conjunction(_same_bits(left.members, right.members), *ordered)
