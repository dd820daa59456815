"""How the parameters of an action are run through: which guard conjuncts can be tested early.

It decides an order of evaluation that cannot be told from the spec's own, and writes no code. The
statements before the first effect or assertion are pure; each is moved out to the first parameter
loop where what it reads is bound, so that a closed guard is seen once and not once for each choice
of the other parameters. Enabledness is the conjunction of the guard and has no order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kvspec.lang.footprint import children, statements_within
from kvspec.lang.ir import (
    Action,
    Expr,
    Let,
    Local,
    Quantified,
    Require,
    Statement,
)


def free_locals(expr: Expr) -> frozenset[str]:
    """The locals an expression reads and does not bind itself."""
    if isinstance(expr, Local):
        return frozenset({expr.name})
    inner = frozenset[str]().union(*(free_locals(child) for child in children(expr)))
    return inner - {expr.bound.name} if isinstance(expr, Quantified) else inner


def let_locals(statements: tuple[Statement, ...]) -> Iterator[Local]:
    """Every local that some `Let` binds."""
    return (s.local for s in statements_within(statements) if isinstance(s, Let))


@dataclass(frozen=True, slots=True)
class Plan:
    """`stages[k]` runs once the first k parameters are bound; `rest` once all are."""

    action: Action
    stages: tuple[tuple[Let | Require, ...], ...]
    rest: tuple[Statement, ...]


def in_order(action: Action) -> Plan:
    """The plan that moves nothing, for counting conjuncts in the spec's order."""
    return Plan(action, ((),) * (len(action.parameters) + 1), action.body)


def hoisted(action: Action) -> Plan:
    """The plan that tests every pure leading conjunct as early as it can."""
    level = {p.name: k for k, p in enumerate(action.parameters, 1)}
    stages: list[list[Let | Require]] = [[] for _ in range(len(action.parameters) + 1)]
    count = 0
    for statement in action.body:
        if not isinstance(statement, Let | Require):
            break
        expr = statement.value if isinstance(statement, Let) else statement.condition
        stage = max((level[name] for name in free_locals(expr)), default=0)
        if isinstance(statement, Let):
            level[statement.local.name] = stage
        stages[stage].append(statement)
        count += 1
    return Plan(action, tuple(map(tuple, stages)), action.body[count:])
