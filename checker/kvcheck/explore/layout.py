"""Where each cell of a state sits in a few 64-bit words.

It decides the packing and converts states to words and back; it emits no code. Every variable is
cut into pieces (a FIFO into its length and one piece a field); all rows of a piece have one width
and, where they fit, sit side by side in one word, so that a row is one shift and one mask. A FIFO
or set row wider than a word is spread out: each place becomes a row of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from kvspec.lang.ir import Model, Variable
from kvspec.lang.state import Element, Row, State
from kvspec.lang.types import FifoType, RecordType, SetType, value_count

WORD_BITS = 64
WORDS_MAX = 64
LENGTH = "#"
"""The part of a FIFO that holds its length; no field is called so."""

Words: TypeAlias = tuple[int, ...]


class LayoutError(Exception):
    """A state does not fit: what happened, why, and which size to reduce."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Equal rows of `unit` bits: group g holds rows g * per .. of it from `groups[g]` on.

    `cell` is the width of one element, of which a FIFO or set has `places`. They are side by side
    in one row, the oldest lowest; or, where that is too wide, `spread`: each place is a row.
    """

    rows: int
    unit: int
    cell: int
    spread: bool
    places: int
    per: int
    groups: tuple[tuple[int, int], ...]

    def where(self, row: int) -> tuple[int, int]:
        """The word and the shift of a row."""
        group, within = divmod(row, self.per)
        word, offset = self.groups[group]
        return word, offset + within * self.unit


Key: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Layout:
    """The packing of one model's states into `words` words, `bits` of them in use."""

    model: Model
    words: int
    bits: int
    pieces: dict[Key, Piece]

    def pack(self, state: State) -> Words:
        """The words of a state."""
        words = [0] * self.words
        for key, row, value in self._cells(state):
            piece = self.pieces[key]
            if piece.unit:
                word, shift = piece.where(row)
                words[word] |= value << shift
        return tuple(words)

    def unpack(self, words: Words) -> State:
        """The state of some words: the inverse of `pack`."""
        return tuple(
            tuple(self._row(v, words, row) for row in range(v.row_count))
            for v in self.model.variables
        )

    def _cells(self, state: State) -> Iterator[tuple[Key, int, int]]:
        for variable, rows in zip(self.model.variables, state, strict=True):
            for number, row in enumerate(rows):
                if isinstance(row, tuple):
                    yield from self._fifo_cells(variable, number, row)
                elif isinstance(variable.leaf, SetType):
                    yield from self._set_cells(variable, number, row)
                else:
                    yield (variable.name, ""), number, row - low_of(variable)

    def _fifo_cells(
        self, variable: Variable, number: int, row: tuple[Element, ...]
    ) -> Iterator[tuple[Key, int, int]]:
        leaf = variable.leaf
        assert isinstance(leaf, FifoType)
        yield (variable.name, LENGTH), number, len(row)
        for k, (name, kind) in enumerate(leaf.fields):
            key = (variable.name, name)
            piece, packed = self.pieces[key], 0
            for place, item in enumerate(row):
                value = (item[k] if isinstance(item, tuple) else item) - kind.low
                if piece.spread:
                    yield key, number * piece.places + place, value
                else:
                    packed |= value << (place * piece.cell)
            if not piece.spread:
                yield key, number, packed

    def _set_cells(
        self, variable: Variable, number: int, mask: int
    ) -> Iterator[tuple[Key, int, int]]:
        key = (variable.name, "")
        piece = self.pieces[key]
        if not piece.spread:
            yield key, number, mask
            return
        for place in range(piece.places):
            yield key, number * piece.places + place, mask >> place & 1

    def _row(self, variable: Variable, words: Words, row: int) -> Row:
        leaf = variable.leaf
        if isinstance(leaf, FifoType):
            length = self._get(words, (variable.name, LENGTH), row)
            return tuple(self._element(variable, words, row, place) for place in range(length))
        key = (variable.name, "")
        if isinstance(leaf, SetType):
            return sum(
                self._place(words, key, row, k) << k for k in range(value_count(leaf.element))
            )
        return self._get(words, key, row) + leaf.low

    def _element(self, variable: Variable, words: Words, row: int, place: int) -> Element:
        leaf = variable.leaf
        assert isinstance(leaf, FifoType)
        values = tuple(
            self._place(words, (variable.name, name), row, place) + kind.low
            for name, kind in leaf.fields
        )
        return values if isinstance(leaf.element, RecordType) else values[0]

    def _place(self, words: Words, key: Key, row: int, place: int) -> int:
        piece = self.pieces[key]
        if piece.spread:
            return self._get(words, key, row * piece.places + place)
        return self._get(words, key, row) >> (place * piece.cell) & ((1 << piece.cell) - 1)

    def _get(self, words: Words, key: Key, row: int) -> int:
        piece = self.pieces[key]
        if not piece.unit:
            return 0
        word, shift = piece.where(row)
        return words[word] >> shift & ((1 << piece.unit) - 1)


def low_of(variable: Variable) -> int:
    """What is taken off a scalar before it is packed."""
    leaf = variable.leaf
    assert not isinstance(leaf, FifoType | SetType)
    return leaf.low


def bits_for(values: int) -> int:
    """The bits that tell `values` alternatives apart."""
    return max(0, values - 1).bit_length()


@dataclass(frozen=True, slots=True)
class _Shape:
    key: Key
    rows: int
    unit: int
    cell: int
    spread: bool = False
    places: int = 1


def _shapes(variable: Variable) -> Iterator[_Shape]:
    leaf, rows, name = variable.leaf, variable.row_count, variable.name
    if isinstance(leaf, FifoType):
        length = bits_for(leaf.capacity + 1)
        yield _Shape((name, LENGTH), rows, length, length)
        for field, kind in leaf.fields:
            yield _cells((name, field), rows, bits_for(value_count(kind)), leaf.capacity)
    elif isinstance(leaf, SetType):
        yield _cells((name, ""), rows, 1, value_count(leaf.element))
    else:
        bits = bits_for(value_count(leaf))
        if bits > WORD_BITS - 1:
            raise LayoutError(
                f"A value of {name} ranges from {leaf.low} to {leaf.high}, which is {bits} bits. "
                f"The search packs a value into one 64-bit word. Give {name} a smaller range."
            )
        yield _Shape((name, ""), rows, bits, bits)


def _cells(key: Key, rows: int, cell: int, places: int) -> _Shape:
    if cell * places > WORD_BITS:
        return _Shape(key, rows * places, cell, cell, True, places)
    return _Shape(key, rows, cell * places, cell, False, places)


def layout_of(model: Model) -> Layout:
    """The packing of a model's states; raises `LayoutError` where they are too large."""
    shapes = [shape for variable in model.variables for shape in _shapes(variable)]
    total = sum(shape.rows * shape.unit for shape in shapes)
    if total > WORDS_MAX * WORD_BITS:
        largest = max(shapes, key=lambda shape: shape.rows * shape.unit)
        sizes = ", ".join(f"{name}={value}" for name, value in model.sizes)
        raise LayoutError(
            f"A state of {model.name} takes {total} bits, {largest.rows * largest.unit} of them "
            f"for {largest.key[0]}. The search holds states of up to {WORDS_MAX * WORD_BITS} bits. "
            f"Reduce a size that {largest.key[0]} depends on ({sizes})."
        )
    used: list[int] = []
    pieces: dict[Key, Piece] = {}
    for shape in sorted(shapes, key=lambda shape: -shape.rows * shape.unit):
        per = min(shape.rows, WORD_BITS // shape.unit) if shape.unit else max(1, shape.rows)
        groups = tuple(_place_groups(used, shape, per)) if shape.unit else ()
        pieces[shape.key] = Piece(
            shape.rows, shape.unit, shape.cell, shape.spread, shape.places, per, groups
        )
    return Layout(model, max(1, len(used)), sum(used), pieces)


def _place_groups(used: list[int], shape: _Shape, per: int) -> Iterator[tuple[int, int]]:
    for first in range(0, shape.rows, per):
        need = min(per, shape.rows - first) * shape.unit
        word = next((k for k, bits in enumerate(used) if bits + need <= WORD_BITS), len(used))
        if word == len(used):
            used.append(0)
        yield word, used[word]
        used[word] += need
