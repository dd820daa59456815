"""The value of an expression in a symbolic state.

It decides what an expression means as bits and bounded numbers, node for node as the concrete
evaluator does; it changes nothing. Quantifiers are unrolled. One over the places of a
duplicate-free queue runs through its members instead: the place stays an unknown number, and the
element at it is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from kvcheck.solve.cell_steps import cell_length, element_at, has_element, rank
from kvcheck.solve.cells import ArrayQueue, Cell, SetCell, TicketQueue, scalar_of
from kvcheck.solve.finite_state import Cells
from kvcheck.solve.numbers import (
    Algebra,
    Bit,
    Number,
    Scalar,
    conjunction,
    disjunction,
    implication,
    known,
    negation,
)
from kvspec.lang.ir import (
    Apply,
    At,
    Expr,
    Has,
    Len,
    Literal,
    Local,
    Operator,
    Places,
    Quantified,
    QuantifierKind,
    Read,
    ReadConstant,
    SizeOf,
    Variable,
)
from kvspec.lang.types import FifoType, ScalarType, SetType


@dataclass(frozen=True, slots=True)
class PlaceOf:
    """The place of one element in a duplicate-free queue: the element is known, not the number."""

    variable: Variable
    index: tuple[Expr, ...]
    queue: TicketQueue
    offset: int


Bound: TypeAlias = Scalar | PlaceOf


@dataclass(slots=True)
class Reading:
    """A symbolic state being read, with the locals that are bound."""

    algebra: Algebra
    cells: Cells
    bound: dict[str, Bound]

    def bit(self, expr: Expr) -> Bit:
        """The value of a bool expression."""
        value = self.value(expr)
        if isinstance(value, Number):
            return negation(self.algebra.same_number(value, known(0)))
        return value

    def number(self, expr: Expr) -> Number:
        """The value of an expression as a number."""
        return self.algebra.as_number(self.value(expr))

    def value(self, expr: Expr) -> Scalar:
        """The value of an expression here."""
        match expr:
            case Literal(value=value, type=kind):
                return scalar_of(kind, value)
            case SizeOf(value=value):
                return known(value)
            case Local(name=name):
                return self._local(self.bound[name])
            case Read(variable=variable, index=index):
                return self._across(variable, index, _scalar)
            case ReadConstant(constant=constant, index=index):
                kind = constant.type
                choices = [
                    (condition, scalar_of(kind, constant.table[row]))
                    for condition, row in self.rows(constant.dims, index)
                ]
                return self._chosen(choices)
            case Len(variable=variable, index=index):
                return self._across(variable, index, lambda c: cell_length(self.algebra, c))
            case At():
                return self._at(expr)
            case Has():
                return self._has(expr)
            case Apply(operator=operator, operands=operands):
                return self._apply(operator, operands)
            case Quantified():
                return self._quantified(expr)

    def _local(self, value: Bound) -> Scalar:
        if isinstance(value, PlaceOf):
            return rank(self.algebra, value.queue, value.offset)
        return value

    def rows(self, dims: Sequence[ScalarType], index: Sequence[Expr]) -> list[tuple[Bit, int]]:
        """The rows that an index may select, each with its condition; exactly one is true."""
        axes: list[list[tuple[Bit, int]]] = []
        for dim, expr in zip(dims, index, strict=True):
            value = self.number(expr)
            places = range(dim.low, dim.high + 1)
            axis = [
                (self.algebra.same_number(value, known(place)), place - dim.low) for place in places
            ]
            axes.append([(bit, place) for bit, place in axis if bit is not False] or axis[-1:])
        found = []
        for choice in product(*axes):
            row = 0
            for dim, (_, place) in zip(dims, choice, strict=True):
                row = row * (dim.high - dim.low + 1) + place
            found.append((conjunction(*(bit for bit, _ in choice)), row))
        return found

    def _chosen(self, choices: Sequence[tuple[Bit, Scalar]]) -> Scalar:
        chosen = choices[-1][1]
        for condition, value in reversed(choices[:-1]):
            chosen = self.algebra.choose(condition, value, chosen)
        return chosen

    def _across(
        self, variable: Variable, index: Sequence[Expr], ask: Callable[[Cell], Scalar]
    ) -> Scalar:
        column = self.cells[variable.name]
        rows = self.rows(variable.dims, index)
        return self._chosen([(condition, ask(column[row])) for condition, row in rows])

    def _at(self, expr: At) -> Scalar:
        leaf = expr.variable.leaf
        assert isinstance(leaf, FifoType)
        names = [name for name, _ in leaf.fields]
        column, kind = names.index(expr.field), expr.type
        if isinstance(expr.place, Local):
            place = self.bound[expr.place.name]
            if isinstance(place, PlaceOf) and (place.variable, place.index) == (
                expr.variable,
                expr.index,
            ):
                return scalar_of(kind, place.queue.low + place.offset)
        number = self.number(expr.place)

        def ask(cell: Cell) -> Scalar:
            assert not isinstance(cell, Number | bool | SetCell)
            return element_at(self.algebra, cell, number, column, kind)

        return self._across(expr.variable, expr.index, ask)

    def _has(self, expr: Has) -> Scalar:
        leaf = expr.variable.leaf
        assert isinstance(leaf, FifoType | SetType)
        kind = leaf.element if isinstance(leaf, SetType) else leaf.fields[0][1]
        element = self.number(expr.element)
        return self._across(
            expr.variable,
            expr.index,
            lambda cell: has_element(self.algebra, cell, kind.low, element),
        )

    def _apply(self, operator: Operator, operands: tuple[Expr, ...]) -> Scalar:
        algebra = self.algebra
        match operator:
            case Operator.AND:
                return conjunction(*self._until(operands, False))
            case Operator.OR:
                return disjunction(*self._until(operands, True))
            case Operator.NOT:
                return negation(self.bit(operands[0]))
            case Operator.ITE:
                condition = self.bit(operands[0])
                if isinstance(condition, bool):
                    return self.value(operands[1] if condition else operands[2])
                return algebra.choose(condition, self.value(operands[1]), self.value(operands[2]))
            case Operator.EQ:
                return algebra.same(self.value(operands[0]), self.value(operands[1]))
        left, right = self.number(operands[0]), self.number(operands[1])
        match operator:
            case Operator.LT:
                return algebra.less(left, right)
            case Operator.LE:
                return algebra.at_most(left, right)
            case Operator.ADD:
                return algebra.add(left, right)
            case Operator.SUB:
                return algebra.subtract(left, right)

    def _until(self, operands: Sequence[Expr], stop: bool) -> list[Bit]:
        """The operands' bits up to the first that is surely `stop`: the rest does not matter."""
        bits: list[Bit] = []
        for operand in operands:
            bits.append(self.bit(operand))
            if bits[-1] is stop:
                break
        return bits

    # ---- quantifiers

    def _quantified(self, expr: Quantified) -> Scalar:
        algebra, kind = self.algebra, expr.kind
        if kind is QuantifierKind.FIRST:
            return self._first(expr)
        instances = self._instances(expr)
        if kind is QuantifierKind.ALL:
            return conjunction(*(implication(here, self._bit(v)) for here, v in instances))
        if kind is QuantifierKind.ANY:
            return disjunction(*(conjunction(here, self._bit(v)) for here, v in instances))
        if kind is QuantifierKind.COUNT:
            return algebra.count([conjunction(here, self._bit(v)) for here, v in instances])
        terms = [
            algebra.choose_number(here, algebra.as_number(v), known(0)) for here, v in instances
        ]
        return algebra.total(terms)

    def _bit(self, value: Scalar) -> Bit:
        assert not isinstance(value, Number)
        return value

    def _first(self, expr: Quantified) -> Scalar:
        found = scalar_of(expr.type, expr.type.low)
        candidates = self._candidates(expr, in_order=True)
        for here, value in reversed(candidates):
            body = self._body(expr, value)
            found = self.algebra.choose(
                conjunction(here, self._bit(body)), self._local(value), found
            )
        return found

    def _instances(self, expr: Quantified) -> list[tuple[Bit, Scalar]]:
        candidates = self._candidates(expr, in_order=False)
        return [(here, self._body(expr, value)) for here, value in candidates]

    def _body(self, expr: Quantified, value: Bound) -> Scalar:
        name = expr.bound.name
        outer = self.bound.get(name)
        self.bound[name] = value
        body = self.value(expr.body)
        if outer is None:
            del self.bound[name]
        else:
            self.bound[name] = outer
        return body

    def _candidates(self, expr: Quantified, *, in_order: bool) -> list[tuple[Bit, Bound]]:
        """The values of the bound variable, each with the condition that it is in the domain."""
        domain = expr.domain
        if not isinstance(domain, Places):
            kind = domain.type
            return [(True, scalar_of(kind, v)) for v in range(kind.low, kind.high + 1)]
        leaf = domain.variable.leaf
        assert isinstance(leaf, FifoType)
        if in_order or not leaf.unique:
            length = self.algebra.as_number(self.value(Len(domain.variable, domain.index)))
            places = (known(place) for place in range(leaf.capacity))
            found = [(self.algebra.less(place, length), place) for place in places]
            return [(here, place) for here, place in found if here is not False]
        members: list[tuple[Bit, Bound]] = []
        for condition, row in self.rows(domain.variable.dims, domain.index):
            queue = self.cells[domain.variable.name][row]
            assert isinstance(queue, TicketQueue)
            for offset, bit in enumerate(queue.members):
                here = conjunction(condition, bit)
                place = PlaceOf(domain.variable, domain.index, queue, offset)
                if here is not False:
                    members.append((here, place))
        return members


def _scalar(cell: Cell) -> Scalar:
    assert not isinstance(cell, SetCell | TicketQueue | ArrayQueue)
    return cell
