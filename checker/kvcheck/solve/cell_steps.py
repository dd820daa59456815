"""What one operation does to one cell of a symbolic state, and what one question asks of it.

It decides the meaning of push, pop, remove, membership, length and place for each representation;
which cell is meant, and under which condition, is for the run. An operation returns a new cell and
takes for granted what the assertion in front of it says (room, presence); the run checks that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kvcheck.solve.cells import ArrayQueue, Cell, Queue, SetCell, TicketQueue, scalar_of
from kvcheck.solve.numbers import (
    Algebra,
    Bit,
    Number,
    Scalar,
    conjunction,
    disjunction,
    known,
    negation,
)
from kvspec.lang.types import ScalarType


def choose_cell(algebra: Algebra, condition: Bit, then: Cell, otherwise: Cell) -> Cell:
    """One of two cells of one kind."""
    if isinstance(condition, bool):
        return then if condition else otherwise
    if then is otherwise:
        return then

    def each(left: Sequence[Scalar], right: Sequence[Scalar]) -> tuple[Scalar, ...]:
        pairs = zip(left, right, strict=True)
        return tuple(algebra.choose(condition, one, other) for one, other in pairs)

    match then, otherwise:
        case SetCell(), SetCell():
            return SetCell(each(then.members, otherwise.members))
        case TicketQueue(), TicketQueue():
            tickets = zip(then.tickets, otherwise.tickets, strict=True)
            return TicketQueue(
                then.low,
                each(then.members, otherwise.members),
                tuple(algebra.choose_number(condition, one, other) for one, other in tickets),
                algebra.choose_number(condition, then.length, otherwise.length),
                max(then.next_ticket, otherwise.next_ticket),
            )
        case ArrayQueue(), ArrayQueue():
            columns = zip(then.columns, otherwise.columns, strict=True)
            return ArrayQueue(
                tuple(each(one, other) for one, other in columns),
                algebra.choose_number(condition, then.length, otherwise.length),
            )
        case _:
            assert not isinstance(then, SetCell | TicketQueue | ArrayQueue)
            assert not isinstance(otherwise, SetCell | TicketQueue | ArrayQueue)
            return algebra.choose(condition, then, otherwise)


def has_element(algebra: Algebra, cell: Cell, low: int, element: Number) -> Bit:
    """Whether a value is in a set, or in a queue of scalars; `low` is the least value."""
    if isinstance(cell, SetCell | TicketQueue):
        found = algebra.pick(element, low, cell.members)
        assert not isinstance(found, Number)
        return found
    assert isinstance(cell, ArrayQueue)
    places = [
        conjunction(
            algebra.less(known(place), cell.length),
            algebra.same_number(algebra.as_number(value), element),
        )
        for place, value in enumerate(cell.columns[0])
    ]
    return disjunction(*places)


def cell_length(algebra: Algebra, cell: Cell) -> Number:
    """The number of elements of a queue or a set."""
    if isinstance(cell, SetCell):
        return algebra.count(cell.members)
    assert isinstance(cell, TicketQueue | ArrayQueue)
    return cell.length


def rank(algebra: Algebra, queue: TicketQueue, offset: int) -> Number:
    """How many members are older than the one at `offset`."""
    mine = queue.tickets[offset]
    return algebra.count(
        [
            conjunction(bit, algebra.less(ticket, mine))
            for k, (bit, ticket) in enumerate(zip(queue.members, queue.tickets, strict=True))
            if k != offset
        ]
    )


def _is_oldest(algebra: Algebra, queue: TicketQueue, offset: int) -> Bit:
    mine = queue.tickets[offset]
    older = [
        conjunction(bit, algebra.less(ticket, mine))
        for k, (bit, ticket) in enumerate(zip(queue.members, queue.tickets, strict=True))
        if k != offset
    ]
    return conjunction(queue.members[offset], negation(disjunction(*older)))


def element_at(
    algebra: Algebra, queue: Queue, place: Number, column: int, kind: ScalarType
) -> Scalar:
    """One field of the element at a place, 0 the oldest; the type's least value outside."""
    found = scalar_of(kind, kind.low)
    if isinstance(queue, ArrayQueue):
        for number in range(len(queue.columns[column]) - 1, -1, -1):
            here = conjunction(
                algebra.same_number(place, known(number)),
                algebra.less(known(number), queue.length),
            )
            found = algebra.choose(here, queue.columns[column][number], found)
        return found
    if place.term is None and place.low == 0:
        return _front(algebra, queue, kind)
    for offset in range(len(queue.members) - 1, -1, -1):
        if queue.members[offset] is False:
            continue
        stands_there = algebra.same_number(rank(algebra, queue, offset), place)
        here = conjunction(queue.members[offset], stands_there)
        found = algebra.choose(here, scalar_of(kind, queue.low + offset), found)
    return found


def _front(algebra: Algebra, queue: TicketQueue, kind: ScalarType) -> Scalar:
    """The member with the least ticket.

    That a queue with members has one is plain to us and hard for Z3: it would have to rule out
    every cycle of members each older than the next.
    """
    oldest = [_is_oldest(algebra, queue, offset) for offset in range(len(queue.members))]
    algebra.theorems.append(disjunction(negation(disjunction(*queue.members)), *oldest))
    found = scalar_of(kind, kind.low)
    for offset in range(len(oldest) - 1, -1, -1):
        found = algebra.choose(oldest[offset], scalar_of(kind, queue.low + offset), found)
    return found


def pushed(algebra: Algebra, queue: Queue, capacity: int, fields: Sequence[Scalar]) -> Queue:
    """The queue with one more element, the youngest; the caller sees to the room."""
    longer = algebra.narrow(algebra.add(queue.length, known(1)), 0, capacity)
    if isinstance(queue, TicketQueue):
        element = algebra.as_number(fields[0])
        here = [
            algebra.same_number(element, known(queue.low + k)) for k in range(len(queue.members))
        ]
        ticket = known(queue.next_ticket)
        return TicketQueue(
            queue.low,
            tuple(disjunction(*pair) for pair in zip(here, queue.members, strict=True)),
            tuple(
                algebra.choose_number(bit, ticket, old)
                for bit, old in zip(here, queue.tickets, strict=True)
            ),
            longer,
            queue.next_ticket + 1,
        )
    at_end = [algebra.same_number(queue.length, known(place)) for place in range(capacity)]
    columns = (
        tuple(algebra.choose(bit, new, old) for bit, old in zip(at_end, column, strict=True))
        for new, column in zip(fields, queue.columns, strict=True)
    )
    return ArrayQueue(tuple(columns), longer)


def popped(algebra: Algebra, queue: Queue) -> Queue:
    """The queue without its oldest element; an empty one stays empty."""
    shorter = algebra.narrow(
        algebra.choose_number(
            algebra.same_number(queue.length, known(0)),
            known(0),
            algebra.subtract(queue.length, known(1)),
        ),
        0,
        queue.length.high,
    )
    if isinstance(queue, ArrayQueue):
        columns = tuple((*column[1:], column[-1]) if column else () for column in queue.columns)
        return ArrayQueue(columns, shorter)
    members = (
        conjunction(bit, negation(_is_oldest(algebra, queue, offset)))
        for offset, bit in enumerate(queue.members)
    )
    return replace(queue, members=tuple(members), length=shorter)


def removed(algebra: Algebra, queue: Queue, element: Number) -> Queue:
    """The queue without one element, the others in their order; unchanged where it is absent."""
    assert isinstance(queue, TicketQueue)
    present = has_element(algebra, queue, queue.low, element)
    members = (
        conjunction(bit, negation(algebra.same_number(element, known(queue.low + offset))))
        for offset, bit in enumerate(queue.members)
    )
    shorter = algebra.subtract(queue.length, algebra.as_number(present))
    length = algebra.narrow(shorter, 0, queue.length.high)
    return replace(queue, members=tuple(members), length=length)


def with_member(
    algebra: Algebra, cell: SetCell, low: int, element: Number, present: Bit
) -> SetCell:
    """The set with an element put in, or taken out."""
    return SetCell(
        tuple(
            algebra.choose(algebra.same_number(element, known(low + k)), present, old)
            for k, old in enumerate(cell.members)
        )
    )


def filled(algebra: Algebra, queue: TicketQueue, conditions: Sequence[Bit]) -> TicketQueue:
    """The queue of exactly the values whose condition is true, in id order."""
    first = queue.next_ticket
    tickets = tuple(known(first + k) for k in range(len(conditions)))
    length = algebra.count(conditions)
    return TicketQueue(queue.low, tuple(conditions), tickets, length, first + len(conditions))
