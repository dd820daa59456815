"""Checks that a traced operation can succeed: an int in its range, a queue with an element.

It decides when a check is needed: a bound that is a named size must hold at every size, so it is
not waived because it happens to hold at this one.
"""

from __future__ import annotations

import ast

from kvspec.lang.frame import Frame
from kvspec.lang.ir import Apply, At, Expr, Len, Operator, SizeOf
from kvspec.lang.types import FifoType, IntType, ScalarType
from kvspec.lang.values import BOOL, Group, Queue, Value, both, can_differ, plus, whole


def front(frame: Frame, queue: Queue, node: ast.AST, verb: str) -> None:
    """Check that a queue has an element."""
    some = Apply(Operator.LT, (whole(0), Len(queue.variable, queue.index)), BOOL)
    frame.check(some, f"{verb} the empty queue {queue.variable.name}", node)


def element(queue: Queue, place_in_queue: Expr) -> Value:
    """The element at a place of a queue."""
    record = queue.shape.record
    if record is None:
        return At(queue.variable, queue.index, place_in_queue, "")
    names = [name for name, _ in record.type.fields]
    fields = tuple((n, At(queue.variable, queue.index, place_in_queue, n)) for n in names)
    return Group(record, fields)


def in_range(frame: Frame, found: Expr, kind: ScalarType, role: str, node: ast.AST) -> None:
    """Check that an int lies in a type's range, unless it must at every size."""
    below, above = can_differ(found.type, kind)
    if not (below or above):
        return
    assert isinstance(kind, IntType)
    parts = []
    if below:
        parts.append(Apply(Operator.LE, (whole(kind.low), found), BOOL))
    if above:
        parts.append(Apply(Operator.LE, (found, upper_bound(kind)), BOOL))
    frame.check(both(*parts), f"{role} is out of range", node)


def capacity_bound(queue: FifoType) -> Expr:
    """A FIFO's capacity as an expression that keeps its size's name."""
    return upper_bound(IntType(0, queue.capacity, None, queue.capacity_term))


def upper_bound(kind: IntType) -> Expr:
    """A type's upper bound as an expression that keeps its size's name."""
    if kind.high_term is None:
        return whole(kind.high)
    size = SizeOf(kind.high_term.size, kind.high_term.value - kind.high_term.offset)
    return plus(size, whole(kind.high_term.offset)) if kind.high_term.offset else size
