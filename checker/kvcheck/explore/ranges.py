"""Which values an expression can have: intervals, for leaving out checks that cannot fail.

It decides nothing about reachability: an interval holds for any state whose cells are within their
types. It is only ever used to drop a test that is true in every such state.
"""

from __future__ import annotations

from typing import TypeAlias

from kvspec.lang.ir import (
    Apply,
    Assert,
    Expr,
    Literal,
    Operator,
    Places,
    Quantified,
    QuantifierKind,
    SizeOf,
)
from kvspec.lang.types import FifoType, value_count

Interval: TypeAlias = tuple[int, int]


def interval(expr: Expr) -> Interval:
    """The least and the greatest value the expression may have."""
    match expr:
        case Literal(value=value) | SizeOf(value=value):
            return value, value
        case Apply(operator=Operator.ADD, operands=(left, right)):
            (a, b), (c, d) = interval(left), interval(right)
            return a + c, b + d
        case Apply(operator=Operator.SUB, operands=(left, right)):
            (a, b), (c, d) = interval(left), interval(right)
            return a - d, b - c
        case Apply(operator=Operator.ITE, operands=(_, then, otherwise)):
            (a, b), (c, d) = interval(then), interval(otherwise)
            return min(a, c), max(b, d)
        case Apply():
            return 0, 1
        case Quantified(kind=QuantifierKind.ALL | QuantifierKind.ANY):
            return 0, 1
        case Quantified(kind=QuantifierKind.COUNT | QuantifierKind.SUM, body=body):
            low, high = interval(body)
            count = _domain_size(expr)
            return min(0, low * count), max(0, high * count)
        case _:
            return expr.type.low, expr.type.high


def _domain_size(expr: Quantified) -> int:
    if isinstance(expr.domain, Places):
        leaf = expr.domain.variable.leaf
        assert isinstance(leaf, FifoType)
        return leaf.capacity
    return value_count(expr.domain.type)


def always_true(expr: Expr) -> bool:
    """Whether the intervals alone show that the condition holds."""
    match expr:
        case Literal(value=value):
            return bool(value)
        case Apply(operator=Operator.AND, operands=operands):
            return all(always_true(x) for x in operands)
        case Apply(operator=Operator.OR, operands=operands):
            return any(always_true(x) for x in operands)
        case Apply(operator=Operator.LE, operands=(left, right)):
            return interval(left)[1] <= interval(right)[0]
        case Apply(operator=Operator.LT, operands=(left, right)):
            return interval(left)[1] < interval(right)[0]
        case _:
            return False


def is_checked(check: Assert) -> bool:
    """Whether the assertion can fail as far as intervals tell."""
    return not always_true(check.condition)
