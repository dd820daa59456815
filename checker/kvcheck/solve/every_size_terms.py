"""The vocabulary of an every-size proof: sorts, sizes and constants as Z3 symbols, and plain terms.

It says what types and named sizes mean when no number is known; it reads no state. An
interchangeable sort is an uninterpreted Z3 sort of which only its size symbol (at least 1) is
known; an enum or an int is a Z3 `Int` with bounds; a named size is an `Int` of at least 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import z3  # type: ignore[import-untyped]

from kvspec.lang.ir import Constant, Model
from kvspec.lang.types import BoolType, IntType, ScalarType, SizeTerm, SortType, value_count

Term: TypeAlias = Any  # a z3.ExprRef; z3 ships no types
Sort: TypeAlias = Any  # a z3.SortRef

EXPANSION_MAX = 64  # a domain of at most so many values is written out, a larger one quantified


class NoEverySizeMeaning(Exception):
    """The construct has no reading without a stated size; the text says which and why."""


# ---- plain terms -------------------------------------------------------------------------------


def conjunction(parts: Iterable[Term]) -> Term:
    """The parts joined by `and`, with the constants folded away."""
    kept: list[Term] = []
    for part in parts:
        if z3.is_false(part):
            return z3.BoolVal(False)
        if not z3.is_true(part):
            kept.append(part)
    if not kept:
        return z3.BoolVal(True)
    return kept[0] if len(kept) == 1 else z3.And(kept)


def disjunction(parts: Iterable[Term]) -> Term:
    """The parts joined by `or`, with the constants folded away."""
    return negation(conjunction(negation(part) for part in parts))


def negation(part: Term) -> Term:
    """`not part`, never doubled."""
    if z3.is_true(part):
        return z3.BoolVal(False)
    if z3.is_false(part):
        return z3.BoolVal(True)
    return part.arg(0) if z3.is_not(part) else z3.Not(part)


def implication(premise: Term, conclusion: Term) -> Term:
    """`premise implies conclusion`, with the constants folded away."""
    if z3.is_true(premise):
        return conclusion
    if z3.is_false(premise) or z3.is_true(conclusion):
        return z3.BoolVal(True)
    return z3.Implies(premise, conclusion)


def choice(condition: Term, yes: Term, no: Term) -> Term:
    """`yes` where the condition holds, else `no`."""
    if z3.is_true(condition) or yes.eq(no):
        return yes
    return no if z3.is_false(condition) else z3.If(condition, yes, no)


def equality(left: Term, right: Term) -> Term:
    """`left == right`, decided at once for equal terms and for two numerals."""
    if left.eq(right):
        return z3.BoolVal(True)
    if z3.is_int_value(left) and z3.is_int_value(right):
        return z3.BoolVal(left.as_long() == right.as_long())
    return left == right


def total(parts: Sequence[Term]) -> Term:
    """The sum of int terms."""
    if not parts:
        return z3.IntVal(0)
    return parts[0] if len(parts) == 1 else z3.Sum(parts)


def for_all(bound: Sequence[Term], body: Term) -> Term:
    """`body` for every value of the bound symbols that occur in it."""
    if z3.is_true(body) or z3.is_false(body):
        return body
    occurring = [symbol for symbol in bound if occurs(symbol, body)]
    return z3.ForAll(occurring, body) if occurring else body


def there_is(bound: Sequence[Term], body: Term) -> Term:
    """`body` for some value of the bound symbols; every Z3 sort has an element."""
    return negation(for_all(bound, negation(body)))


def occurs(symbol: Term, term: Term) -> bool:
    """Whether the constant symbol occurs in the term: whether putting another there changes it."""
    other = z3.Const("another!", symbol.sort())
    return not z3.substitute(term, (symbol, other)).eq(term)


# ---- types, sizes, constants -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The Z3 symbols of a model's sorts, sizes and constants."""

    model: Model
    sorts: dict[str, Sort]

    def is_open(self, scalar: ScalarType) -> bool:
        """Whether the type is an interchangeable sort, of unknown size."""
        return isinstance(scalar, SortType) and scalar.name in self.sorts

    def sort_of(self, scalar: ScalarType) -> Sort:
        """The Z3 sort of a scalar type's values."""
        if isinstance(scalar, SortType) and scalar.name in self.sorts:
            return self.sorts[scalar.name]
        return z3.BoolSort() if isinstance(scalar, BoolType) else z3.IntSort()

    def size(self, name: str) -> Term:
        """A named size, or the number of elements of a sort."""
        return z3.Int(f"|{name}|")

    def bounds(self, scalar: ScalarType) -> tuple[Term, Term]:
        """The least and greatest value of a type read as `Int`, at whatever size."""
        if isinstance(scalar, IntType):
            return (
                self._bound(scalar.low, scalar.low_term),
                self._bound(scalar.high, scalar.high_term),
            )
        if isinstance(scalar, SortType):
            return z3.IntVal(0), self.size(scalar.name) - 1
        return z3.IntVal(scalar.low), z3.IntVal(scalar.high)

    def _bound(self, value: int, term: SizeTerm | None) -> Term:
        if term is None:
            return z3.IntVal(value)
        return self.size(term.size) + term.offset if term.offset else self.size(term.size)

    def in_type(self, scalar: ScalarType, value: Term) -> Term:
        """Whether the value lies within the type's bounds."""
        if self.is_open(scalar) or isinstance(scalar, BoolType):
            return z3.BoolVal(True)
        low, high = self.bounds(scalar)
        return z3.And(low <= value, value <= high)

    def literal(self, scalar: ScalarType, value: int) -> Term:
        """A value written in the spec; of an open sort only the blank element can be named."""
        if isinstance(scalar, BoolType):
            return z3.BoolVal(bool(value))
        if self.is_open(scalar):
            if value != 0:
                raise NoEverySizeMeaning(f"element {value} of {scalar} is named by its number")
            return self.blank(scalar)
        return z3.IntVal(value)

    def blank(self, scalar: ScalarType) -> Term:
        """The value before `init` ran: false, the value nearest to 0, a sort's first element."""
        if isinstance(scalar, BoolType):
            return z3.BoolVal(False)
        if self.is_open(scalar):
            return z3.Const(f"first!{self.sort_of(scalar)}", self.sort_of(scalar))
        low, high = self.bounds(scalar)
        positive = z3.If(low > 0, low, z3.IntVal(0))
        return z3.simplify(z3.If(positive < high, positive, high))

    def is_written_out(self, scalar: ScalarType) -> bool:
        """Whether the type's values are few and the same at every size."""
        if isinstance(scalar, SortType):
            return False
        if isinstance(scalar, IntType) and (scalar.low_term or scalar.high_term):
            return False
        return value_count(scalar) <= EXPANSION_MAX

    def values(self, scalar: ScalarType) -> list[Term]:
        """Every value of a type that `is_written_out`."""
        return [self.literal(scalar, value) for value in range(scalar.low, scalar.high + 1)]

    def constant(self, constant: Constant, index: Sequence[Term]) -> Term:
        """A cell of a constant map."""
        name, result = f"constant.{constant.name}", self.sort_of(constant.type)
        if not constant.dims:
            return z3.Const(name, result)
        domain = [self.sort_of(dim) for dim in constant.dims]
        return z3.Function(name, *domain, result)(*index)

    def over_index(
        self, dims: Sequence[ScalarType], body: Callable[[tuple[Term, ...]], Term]
    ) -> Term:
        """`body` for every index of a map: small index types written out, the others quantified."""
        return self._over_index(tuple(dims), (), body)

    def _over_index(
        self,
        dims: tuple[ScalarType, ...],
        chosen: tuple[Term, ...],
        body: Callable[[tuple[Term, ...]], Term],
    ) -> Term:
        if not dims:
            return body(chosen)
        head, rest = dims[0], dims[1:]
        if self.is_written_out(head):
            return conjunction(
                self._over_index(rest, (*chosen, value), body) for value in self.values(head)
            )
        symbol = z3.Const(f"index{len(chosen)}", self.sort_of(head))
        inside = implication(
            self.in_type(head, symbol), self._over_index(rest, (*chosen, symbol), body)
        )
        return for_all([symbol], inside)

    def background(self) -> list[Term]:
        """What is known of sizes and constants before any assumption of the model's own.

        A sort has at least one element, a named size is at least 0, a constant is of its type.
        """
        facts: list[Term] = []
        sort_names = {t.name for t in _sort_types(self.model)} | set(self.model.sorts)
        for name, _ in self.model.sizes:
            facts.append(self.size(name) >= (1 if name in sort_names else 0))
        for constant in self.model.constants:
            facts.append(
                self.over_index(
                    constant.dims,
                    self._constant_fits(constant),
                )
            )
        return facts

    def _constant_fits(self, constant: Constant) -> Callable[[tuple[Term, ...]], Term]:
        return lambda index: self.in_type(constant.type, self.constant(constant, index))


def vocabulary(model: Model) -> Vocabulary:
    """The symbols for a model."""
    return Vocabulary(model, {name: z3.DeclareSort(name) for name in model.sorts})


def _sort_types(model: Model) -> set[SortType]:
    dims = [dim for v in model.variables for dim in v.dims]
    dims += [dim for c in model.constants for dim in c.dims]
    return {dim for dim in dims if isinstance(dim, SortType)}
