"""What must be proved, with a constant in place of each value it is claimed for; and instances.

It rewrites claims; it proves none. To prove a claim for an arbitrary constant is to prove it for
every value. The constants, and the terms that the action talks about, are then where the
invariants are instantiated: with those instances most proofs need no search for others.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

import z3  # type: ignore[import-untyped]

from kvcheck.solve.every_size_reading import Reading
from kvcheck.solve.every_size_state import SymbolicState
from kvcheck.solve.every_size_symbols import Environment
from kvcheck.solve.every_size_terms import (
    Sort,
    Term,
    conjunction,
    disjunction,
    implication,
    negation,
)
from kvspec.lang.ir import Apply, Expr, Operator, Property, Quantified, QuantifierKind, Values


class Wanted(Enum):
    """Whether an expression is to be proved true or false."""

    TRUE = "true"
    FALSE = "false"


class Claim:
    """An expression opened for proof: `term` with its arbitrary constants `chosen`."""

    def __init__(self, reading: Reading, expr: Expr, state: SymbolicState) -> None:
        self.reading, self.state = reading, state
        self.chosen: list[Term] = []
        self.term = self._opened(expr, {}, Wanted.TRUE)

    def _constant(self, sort: Sort) -> Term:
        self.chosen.append(z3.Const(f"any{len(self.chosen)}", sort))
        return self.chosen[-1]

    def _opened(self, expr: Expr, env: Environment, wanted: Wanted) -> Term:
        match expr:
            case Apply(operator=Operator.NOT, operands=(inner,)):
                other = Wanted.FALSE if wanted is Wanted.TRUE else Wanted.TRUE
                return negation(self._opened(inner, env, other))
            case Apply(operator=Operator.AND | Operator.OR as operator, operands=operands):
                parts = [self._opened(x, env, wanted) for x in operands]
                return conjunction(parts) if operator is Operator.AND else disjunction(parts)
            case Quantified(kind=QuantifierKind.ALL | QuantifierKind.ANY):
                return self._opened_quantifier(expr, env, wanted)
            case _:
                return self.reading.term(expr, self.state, env)

    def _opened_quantifier(self, expr: Quantified, env: Environment, wanted: Wanted) -> Term:
        for_every, domain = expr.kind is QuantifierKind.ALL, expr.domain
        words = self.reading.words
        if isinstance(domain, Values) and words.is_written_out(domain.type):
            bodies = [
                self._opened(expr.body, {**env, expr.bound.name: value}, wanted)
                for value in words.values(domain.type)
            ]
            return conjunction(bodies) if for_every else disjunction(bodies)
        if for_every is not (wanted is Wanted.TRUE):
            return self.reading.term(expr, self.state, env)
        inside, _, value = self.reading.bind(expr, self.state, env, new=self._constant)
        body = self._opened(expr.body, {**env, expr.bound.name: value}, wanted)
        return implication(inside, body) if for_every else conjunction([inside, body])


def instances(
    reading: Reading, properties: Iterable[Property], state: SymbolicState, terms: Iterable[Term]
) -> list[Term]:
    """The properties' outermost `all` over an open sort, at each of the terms of that sort."""
    found = []
    unique = {term.get_id(): term for term in terms}.values()
    for prop in properties:
        formula = prop.formula
        if not isinstance(formula, Quantified) or formula.kind is not QuantifierKind.ALL:
            continue
        domain = formula.domain
        if not isinstance(domain, Values) or not reading.words.is_open(domain.type):
            continue
        sort = reading.words.sort_of(domain.type)
        for term in unique:
            if term.sort() == sort:
                found.append(reading.term(formula.body, state, {formula.bound.name: term}))
    return found
