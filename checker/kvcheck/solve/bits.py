"""A circuit of AND gates and inverters, and integers as words of its wires.

It decides how arithmetic becomes gates; it knows no state, action or solver, and shares nothing
with the Z3 encodings, so that what ABC proves on it is found out independently. A wire is a number,
twice its node's, plus one where it is inverted; wire 0 is false and 1 true. A word's value is its
`low` plus its bits read as an unsigned number, so that nothing is ever negative in bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

Wire: TypeAlias = int
FALSE: Wire = 0
TRUE: Wire = 1


def inverse(wire: Wire) -> Wire:
    """The wire that is true where this one is false."""
    return wire ^ 1


@dataclass(frozen=True, slots=True)
class Word:
    """An integer: `low` plus its bits, the least significant first. No bits: a constant."""

    low: int
    bits: tuple[Wire, ...] = ()


class Circuit:
    """Gates, each made once; `gates[n]` feeds node `n + 1`, and is None where that is an input."""

    def __init__(self) -> None:
        self.gates: list[tuple[Wire, Wire] | None] = []
        self._known: dict[tuple[Wire, Wire], Wire] = {}

    def input(self) -> Wire:
        """A wire driven from outside."""
        self.gates.append(None)
        return 2 * len(self.gates)

    def both(self, a: Wire, b: Wire) -> Wire:
        """`a and b`."""
        a, b = (a, b) if a <= b else (b, a)
        if a == FALSE or a == inverse(b):
            return FALSE
        if a in (TRUE, b):
            return b
        if (a, b) not in self._known:
            self.gates.append((a, b))
            self._known[a, b] = 2 * len(self.gates)
        return self._known[a, b]

    def either(self, a: Wire, b: Wire) -> Wire:
        """`a or b`."""
        return inverse(self.both(inverse(a), inverse(b)))

    def choice(self, condition: Wire, yes: Wire, no: Wire) -> Wire:
        """`yes` where the condition holds, else `no`."""
        if yes == no:
            return yes
        return self.either(self.both(condition, yes), self.both(inverse(condition), no))

    def differ(self, a: Wire, b: Wire) -> Wire:
        """`a xor b`."""
        return self.choice(a, inverse(b), b)

    def all(self, wires: Sequence[Wire]) -> Wire:
        """Whether every wire is true."""
        result = TRUE
        for wire in wires:
            result = self.both(result, wire)
        return result

    def any(self, wires: Sequence[Wire]) -> Wire:
        """Whether some wire is true."""
        return inverse(self.all([inverse(wire) for wire in wires]))

    # ---- words

    def truth(self, word: Word) -> Wire:
        """The wire of a word that is 0 or 1."""
        if not word.bits:
            return TRUE if word.low else FALSE
        return word.bits[0] if word.low == 0 else TRUE

    def _sum(self, a: Sequence[Wire], b: Sequence[Wire], width: int) -> tuple[Wire, ...]:
        carry, result = FALSE, []
        for place in range(width):
            x = a[place] if place < len(a) else FALSE
            y = b[place] if place < len(b) else FALSE
            half = self.differ(x, y)
            result.append(self.differ(half, carry))
            carry = self.either(self.both(x, y), self.both(half, carry))
        return tuple(result)

    def add(self, a: Word, b: Word) -> Word:
        """`a + b`, as wide as it needs to be."""
        if not a.bits or not b.bits:
            return Word(a.low + b.low, a.bits or b.bits)
        bits = self._sum(a.bits, b.bits, max(len(a.bits), len(b.bits)) + 1)
        return Word(a.low + b.low, _trimmed(bits))

    def minus(self, a: Word) -> Word:
        """`-a`."""
        most = (1 << len(a.bits)) - 1
        return Word(-a.low - most, tuple(inverse(bit) for bit in a.bits))

    def is_negative(self, a: Word) -> Wire:
        """Whether the value is below 0."""
        limit = -a.low
        if limit <= 0:
            return FALSE
        if limit >= 1 << len(a.bits):
            return TRUE
        below = FALSE
        for place, bit in enumerate(a.bits):
            zero = inverse(bit)
            below = self.either(zero, below) if limit >> place & 1 else self.both(zero, below)
        return below

    def is_value(self, a: Word, value: int) -> Wire:
        """Whether the word has this value."""
        offset = value - a.low
        if not 0 <= offset < 1 << len(a.bits):
            return FALSE
        wires = [b if offset >> n & 1 else inverse(b) for n, b in enumerate(a.bits)]
        return self.all(wires)

    def same(self, a: Word, b: Word) -> Wire:
        """Whether two words have one value."""
        if not a.bits or not b.bits:
            return self.is_value(a, b.low) if not b.bits else self.is_value(b, a.low)
        return self.is_value(self.add(a, self.minus(b)), 0)

    def select(self, condition: Wire, yes: Word, no: Word) -> Word:
        """`yes` where the condition holds, else `no`."""
        low = min(yes.low, no.low)
        a, b = self._from(yes, low), self._from(no, low)
        width = max(len(a), len(b))
        pairs = zip(_padded(a, width), _padded(b, width), strict=True)
        return Word(low, _trimmed(tuple(self.choice(condition, x, y) for x, y in pairs)))

    def _from(self, word: Word, low: int) -> tuple[Wire, ...]:
        """The bits of the word counted from a lower `low`."""
        offset = constant_bits(word.low - low)
        if not offset or not word.bits:
            return offset or word.bits
        return self._sum(word.bits, offset, max(len(word.bits), len(offset)) + 1)

    def fitted(self, word: Word, low: int, width: int) -> Word:
        """The word counted from `low` in `width` bits; a value that does not fit wraps."""
        offset = (word.low - low) % (1 << width)
        bits = _padded(word.bits, width)[:width]
        if offset:
            bits = self._sum(bits, constant_bits(offset), width)
        return Word(low, bits)


def constant_bits(value: int) -> tuple[Wire, ...]:
    """The bits of a number of at least 0."""
    return tuple(value >> place & 1 for place in range(value.bit_length()))


def _padded(bits: tuple[Wire, ...], width: int) -> tuple[Wire, ...]:
    return bits + (FALSE,) * (width - len(bits))


def _trimmed(bits: tuple[Wire, ...]) -> tuple[Wire, ...]:
    while bits and bits[-1] == FALSE:
        bits = bits[:-1]
    return bits
