"""Every way to take one conjunct out of a guard, an invariant or a lemma of a model.

It decides what a mutant is; who notices it is `judge`'s concern. The idea: a mutant is a model like
any other, weaker in one place, so every engine can be asked about it without knowing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from kvcheck.trace.wording import render_expr
from kvspec.lang.ir import (
    BOOL,
    Action,
    Apply,
    Expr,
    ForEach,
    If,
    Literal,
    Model,
    Operator,
    Property,
    PropertyKind,
    Quantified,
    QuantifierKind,
    Require,
    Statement,
)

TRUE = Literal(1, BOOL)


class Place(Enum):
    """Where the conjunct was."""

    GUARD = "guard"
    PROPERTY = "property"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A model without one conjunct: `owner` is the action or property, `text` what is gone."""

    place: Place
    owner: str
    number: int
    text: str
    model: Model

    @property
    def id(self) -> str:
        """Stable text as long as the spec stands as it is."""
        return f"{self.model.name}/{self.owner}/{self.number}"


def guard_mutants(model: Model) -> Iterator[Mutant]:
    """Each action without each of its guard conjuncts."""
    for action in model.actions:
        for number, gone in enumerate(_requires(action.body), 1):
            body = _without(action.body, gone)
            yield Mutant(
                Place.GUARD,
                action.name,
                number,
                gone.label,
                _with(model, replace(action, body=body)),
            )


def property_mutants(model: Model) -> Iterator[Mutant]:
    """Each invariant and lemma without each of its conjuncts; without its only one, it is gone."""
    for prop in model.of_kind(PropertyKind.INVARIANT, PropertyKind.LEMMA):
        for number, (gone, rest) in enumerate(weaker(prop.formula), 1):
            text = render_expr(gone)
            yield Mutant(Place.PROPERTY, prop.name, number, text, weakened(model, prop.name, rest))


def weakened(model: Model, name: str, formula: Expr) -> Model:
    """The model with this formula for the property of that name, or without it if it is true."""
    kept: list[Property] = []
    for prop in model.properties:
        if prop.name != name:
            kept.append(prop)
        elif formula != TRUE:
            kept.append(replace(prop, formula=formula))
    return replace(model, properties=tuple(kept))


def weaker(formula: Expr) -> Iterator[tuple[Expr, Expr]]:
    """Each conjunct of a formula, under its quantifiers and implications, and what is left.

    `all x: a and b` has the conjuncts a and b; so has `not c or (a and b)`.
    """
    if isinstance(formula, Quantified) and formula.kind is QuantifierKind.ALL:
        for gone, rest in weaker(formula.body):
            yield gone, TRUE if rest == TRUE else replace(formula, body=rest)
    elif isinstance(formula, Apply) and formula.operator is Operator.AND:
        for number, operand in enumerate(formula.operands):
            for gone, rest in weaker(operand):
                yield gone, _conjoined(_put(formula.operands, number, rest))
    elif isinstance(formula, Apply) and formula.operator is Operator.OR and _inner(formula):
        for number in _inner(formula):
            for gone, rest in weaker(formula.operands[number]):
                operands = _put(formula.operands, number, rest)
                yield gone, TRUE if rest == TRUE else replace(formula, operands=operands)
    elif _denied(formula):
        for number, operand in enumerate(_denied(formula)):
            left = (*_denied(formula)[:number], *_denied(formula)[number + 1 :])
            either = left[0] if len(left) == 1 else Apply(Operator.OR, left, BOOL)
            yield _not(operand), _not(either)
    else:
        yield formula, TRUE


def _inner(formula: Apply) -> list[int]:
    """The alternatives that are, or hold, conjunctions."""
    return [n for n, operand in enumerate(formula.operands) if _is_conjunctive(operand)]


def _is_conjunctive(formula: Expr) -> bool:
    if isinstance(formula, Quantified):
        return formula.kind is QuantifierKind.ALL
    if isinstance(formula, Apply) and formula.operator is Operator.OR:
        return any(_is_conjunctive(operand) for operand in formula.operands)
    return bool(_denied(formula)) or (
        isinstance(formula, Apply) and formula.operator is Operator.AND
    )


def _denied(formula: Expr) -> tuple[Expr, ...]:
    """What `not (a or b)` denies: a conjunction in disguise."""
    if isinstance(formula, Apply) and formula.operator is Operator.NOT:
        inner = formula.operands[0]
        if isinstance(inner, Apply) and inner.operator is Operator.OR:
            return inner.operands
    return ()


def _not(formula: Expr) -> Expr:
    return Apply(Operator.NOT, (formula,), BOOL)


def _put(operands: Sequence[Expr], number: int, new: Expr) -> tuple[Expr, ...]:
    return (*operands[:number], new, *operands[number + 1 :])


def _conjoined(operands: Sequence[Expr]) -> Expr:
    kept = tuple(o for o in operands if o != TRUE)
    if not kept:
        return TRUE
    return kept[0] if len(kept) == 1 else Apply(Operator.AND, kept, BOOL)


def _with(model: Model, changed: Action) -> Model:
    actions = tuple(changed if a.name == changed.name else a for a in model.actions)
    return replace(model, actions=actions)


def _requires(body: Sequence[Statement]) -> Iterator[Require]:
    for statement in body:
        if isinstance(statement, Require):
            yield statement
        elif isinstance(statement, If):
            yield from _requires((*statement.then, *statement.otherwise))
        elif isinstance(statement, ForEach):
            yield from _requires(statement.body)


def _without(body: Sequence[Statement], gone: Require) -> tuple[Statement, ...]:
    kept: list[Statement] = []
    for statement in body:
        if statement is gone:
            continue
        if isinstance(statement, If):
            statement = replace(
                statement,
                then=_without(statement.then, gone),
                otherwise=_without(statement.otherwise, gone),
            )
        elif isinstance(statement, ForEach):
            statement = replace(statement, body=_without(statement.body, gone))
        kept.append(statement)
    return tuple(kept)
