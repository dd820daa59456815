"""Bits and bounded integers that are Python values where known and Z3 terms where not.

It decides arithmetic and choice; it knows no state, queue or action. Every number carries its
interval and is exactly as wide as the interval needs, so that no operation can wrap: a sum is
wider than its operands. Whatever is known while building is folded away and never reaches Z3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import z3  # type: ignore[import-untyped]

Term: TypeAlias = Any  # z3 ships no types
Bit: TypeAlias = bool | Term


@dataclass(frozen=True, slots=True)
class Number:
    """An integer from `low` to `high`; `term` is a bit-vector, or None where low == high.

    The bit-vector is unsigned where `low` >= 0 and two's complement otherwise.
    """

    low: int
    high: int
    term: Term = None


Scalar: TypeAlias = Bit | Number


def known(value: int) -> Number:
    """A number that is a constant."""
    return Number(value, value)


def bit_width(low: int, high: int) -> int:
    """How many bits the values `low` .. `high` need: at least one."""
    if low >= 0:
        return max(1, high.bit_length())
    return max(high.bit_length() if high > 0 else 0, (-low - 1).bit_length()) + 1


def conjunction(*bits: Bit) -> Bit:
    """True where all bits are."""
    terms = []
    for bit in bits:
        if bit is False:
            return False
        if bit is not True:
            terms.append(bit)
    return z3.And(*terms) if len(terms) > 1 else terms[0] if terms else True


def disjunction(*bits: Bit) -> Bit:
    """True where some bit is."""
    terms = []
    for bit in bits:
        if bit is True:
            return True
        if bit is not False:
            terms.append(bit)
    return z3.Or(*terms) if len(terms) > 1 else terms[0] if terms else False


def negation(bit: Bit) -> Bit:
    """True where the bit is false."""
    if isinstance(bit, bool):
        return not bit
    return bit.arg(0) if z3.is_not(bit) else z3.Not(bit)


def implication(condition: Bit, consequence: Bit) -> Bit:
    """True where the condition is false or the consequence true."""
    return disjunction(negation(condition), consequence)


def same_bit(left: Bit, right: Bit) -> Bit:
    """True where both bits are equal."""
    if isinstance(left, bool):
        return right if left else negation(right)
    if isinstance(right, bool):
        return left if right else negation(left)
    return left == right


def choose_bit(condition: Bit, then: Bit, otherwise: Bit) -> Bit:
    """One of two bits."""
    if isinstance(condition, bool):
        return then if condition else otherwise
    if isinstance(then, bool):
        return disjunction(condition, otherwise) if then else _both_not(condition, otherwise)
    if isinstance(otherwise, bool):
        return implication(condition, then) if otherwise else conjunction(condition, then)
    return then if then.eq(otherwise) else z3.If(condition, then, otherwise)


def _both_not(condition: Bit, otherwise: Bit) -> Bit:
    return conjunction(negation(condition), otherwise)


class Algebra:
    """Operations that need a Z3 context: constants of it and fresh names in it.

    `theorems` collects bits that are always true and that Z3 is slow to see; every question over
    these terms may be told them.
    """

    def __init__(self, context: Term) -> None:
        self.context = context
        self.theorems: list[Bit] = []

    def bit(self, value: Bit) -> Term:
        """The bit as a Z3 term."""
        return z3.BoolVal(value, self.context) if isinstance(value, bool) else value

    def fresh_bit(self, name: str) -> Bit:
        """An unknown bit."""
        return z3.Bool(name, self.context)

    def fresh(self, name: str, low: int, high: int) -> tuple[Number, Bit]:
        """An unknown number, and the constraint that keeps it in its interval."""
        if low == high:
            return known(low), True
        number = Number(low, high, z3.BitVec(name, bit_width(low, high), self.context))
        return number, self.is_within(number, low, high)

    def is_within(self, number: Number, low: int, high: int) -> Bit:
        """True where low <= number <= high, by the number's bits and not by its interval."""
        if number.term is None:
            return low <= number.low <= high
        size = number.term.size()
        signed = number.low < 0
        lowest, highest = (
            (-(1 << size - 1), (1 << size - 1) - 1) if signed else (0, (1 << size) - 1)
        )
        wide = Number(lowest, highest, number.term)
        return conjunction(self.at_most(known(low), wide), self.at_most(wide, known(high)))

    def as_number(self, value: Scalar) -> Number:
        """A bit as 0 or 1, a number as it is."""
        if isinstance(value, Number):
            return value
        if isinstance(value, bool):
            return known(int(value))
        one, zero = (z3.BitVecVal(v, 1, self.context) for v in (1, 0))
        return Number(0, 1, z3.If(value, one, zero))

    def _wide(self, number: Number, width: int) -> Term:
        """The number as a bit-vector of this width, at least its own."""
        if number.term is None:
            return z3.BitVecVal(number.low, width, self.context)
        missing = width - number.term.size()
        if missing == 0:
            return number.term
        if missing < 0:
            return z3.Extract(width - 1, 0, number.term)
        return (z3.ZeroExt if number.low >= 0 else z3.SignExt)(missing, number.term)

    def _pair(self, left: Number, right: Number) -> tuple[Term, Term, bool]:
        low, high = min(left.low, right.low), max(left.high, right.high)
        width = bit_width(low, high)
        return self._wide(left, width), self._wide(right, width), low < 0

    def same_number(self, left: Number, right: Number) -> Bit:
        """True where both are equal."""
        if left.high < right.low or right.high < left.low:
            return False
        if left.term is None and right.term is None:
            return True
        first, second, _ = self._pair(left, right)
        return True if first.eq(second) else first == second

    def less(self, left: Number, right: Number) -> Bit:
        """True where left < right."""
        if left.high < right.low:
            return True
        if left.low >= right.high:
            return False
        first, second, signed = self._pair(left, right)
        return first < second if signed else z3.ULT(first, second)

    def at_most(self, left: Number, right: Number) -> Bit:
        """True where left <= right."""
        return negation(self.less(right, left))

    def add(self, left: Number, right: Number) -> Number:
        """left + right."""
        return self._arithmetic(
            left, right, left.low + right.low, left.high + right.high, lambda a, b: a + b
        )

    def subtract(self, left: Number, right: Number) -> Number:
        """left - right."""
        return self._arithmetic(
            left, right, left.low - right.high, left.high - right.low, lambda a, b: a - b
        )

    def _arithmetic(
        self,
        left: Number,
        right: Number,
        low: int,
        high: int,
        operate: Callable[[Term, Term], Term],
    ) -> Number:
        if low == high:
            return known(low)
        if right.term is None and right.low == 0:
            return left
        width = bit_width(min(low, left.low, right.low), max(high, left.high, right.high))
        term = operate(self._wide(left, width), self._wide(right, width))
        return Number(low, high, self._wide(Number(low, high, term), bit_width(low, high)))

    def total(self, numbers: Sequence[Number]) -> Number:
        """The sum, added up in a balanced tree."""
        if not numbers:
            return known(0)
        if len(numbers) == 1:
            return numbers[0]
        middle = len(numbers) // 2
        return self.add(self.total(numbers[:middle]), self.total(numbers[middle:]))

    def count(self, bits: Sequence[Bit]) -> Number:
        """How many bits are true."""
        sure = sum(1 for bit in bits if bit is True)
        unsure = [self.as_number(bit) for bit in bits if not isinstance(bit, bool)]
        return self.add(self.total(unsure), known(sure))

    def narrow(self, number: Number, low: int, high: int) -> Number:
        """The number, known from elsewhere to be within `low` .. `high`."""
        low, high = max(low, number.low), min(high, number.high)
        if low >= high:
            return known(low)
        if (low, high) == (number.low, number.high):
            return number
        return Number(low, high, self._wide(number, bit_width(low, high)))

    def choose_number(self, condition: Bit, then: Number, otherwise: Number) -> Number:
        """One of two numbers."""
        if isinstance(condition, bool):
            return then if condition else otherwise
        first, second, _ = self._pair(then, otherwise)
        if first.eq(second):
            return then
        low, high = min(then.low, otherwise.low), max(then.high, otherwise.high)
        return Number(low, high, z3.If(condition, first, second))

    def choose(self, condition: Bit, then: Scalar, otherwise: Scalar) -> Scalar:
        """One of two scalars of one kind."""
        if isinstance(then, Number) or isinstance(otherwise, Number):
            return self.choose_number(condition, self.as_number(then), self.as_number(otherwise))
        return choose_bit(condition, then, otherwise)

    def same(self, left: Scalar, right: Scalar) -> Bit:
        """True where two scalars of one kind are equal."""
        if isinstance(left, Number) or isinstance(right, Number):
            return self.same_number(self.as_number(left), self.as_number(right))
        return same_bit(left, right)

    def pick(self, index: Number, low: int, choices: Sequence[Scalar]) -> Scalar:
        """The choice at `index`, the first of them being at `low`; moot outside."""
        if index.term is None:
            return choices[min(max(index.low - low, 0), len(choices) - 1)]
        chosen = choices[-1]
        for place in range(len(choices) - 2, -1, -1):
            here = self.same_number(index, known(low + place))
            chosen = self.choose(here, choices[place], chosen)
        return chosen


def number_value(solution: Term, number: Number) -> int:
    """The number's value in a Z3 model."""
    if number.term is None:
        return number.low
    value = solution.eval(number.term, model_completion=True)
    return int(value.as_long() if number.low >= 0 else value.as_signed_long())


def bit_value(solution: Term, bit: Bit) -> bool:
    """The bit's value in a Z3 model."""
    if isinstance(bit, bool):
        return bit
    return bool(z3.is_true(solution.eval(bit, model_completion=True)))
