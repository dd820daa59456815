"""Numbers for what a search counts and reports: conjuncts, assertions and properties.

It decides the numbering, once for both engines, so that a number found by either means the same.
Two statements that are equal values (the same text at the same place in one action) share one.
"""

from __future__ import annotations

from dataclasses import dataclass

from kvspec.lang.footprint import statements_within
from kvspec.lang.ir import Action, Assert, Model, Property, PropertyKind, Require


@dataclass(frozen=True, slots=True)
class Sites:
    """Everything numbered: `requires` and `checks` are (action number, statement)."""

    requires: tuple[tuple[int, Require], ...]
    checks: tuple[tuple[int, Assert], ...]
    invariants: tuple[Property, ...]
    goals: tuple[Property, ...]
    terminals: tuple[Property, ...]
    require_numbers: dict[tuple[int, Require], int]
    check_numbers: dict[tuple[int, Assert], int]


def sites_of(model: Model) -> Sites:
    """The numbering of a model."""
    requires: dict[tuple[int, Require], int] = {}
    checks: dict[tuple[int, Assert], int] = {}
    for number, action in enumerate(model.actions):
        for statement in statements_within(action.body):
            if isinstance(statement, Require):
                requires.setdefault((number, statement), len(requires))
            elif isinstance(statement, Assert):
                checks.setdefault((number, statement), len(checks))
    return Sites(
        tuple(requires),
        tuple(checks),
        model.of_kind(PropertyKind.INVARIANT, PropertyKind.LEMMA),
        model.of_kind(PropertyKind.GOAL),
        model.of_kind(PropertyKind.TERMINAL),
        requires,
        checks,
    )


def combinations(action: Action) -> int:
    """How many choices of arguments an action has."""
    total = 1
    for parameter in action.parameters:
        total *= max(0, parameter.type.high - parameter.type.low + 1)
    return total
