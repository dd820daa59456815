"""The representative of a state under renaming: colour refinement, then one fixed order.

It decides which states are counted as one; it rules no sort in or out (`interchange` does). Every
id gets a colour from what is said of it: each cell of the state that mentions ids adds a hash of
itself and of the colours of the ids beside. Ids sorted by colour within their class take the places
of that class in order; renaming by that is always sound, whatever the colours are, and exact where
ids of one colour can trade places. A queue's order is part of the state, so places are hashed too.

Why a search of representatives decides the same: renaming takes steps to steps (`interchange`),
and a representative is a renaming of a state that is truly reachable; so it violates a property,
which mentions no id, exactly if that state does, after equally many steps. Nothing is asked of the
initial states. The compiled engine computes the same function, so both count the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import TypeAlias

from kvcheck.explore.interchange import Interchange
from kvspec.lang.concrete import Arguments
from kvspec.lang.ir import Action, Model, Variable
from kvspec.lang.state import Element, Row, State, row_indices, row_number
from kvspec.lang.types import FifoType, RecordType, ScalarType, SetType, SortType, value_count

Renaming: TypeAlias = dict[str, tuple[int, ...]]
"""For each renamed sort where every id goes; a sort left out stays as it is."""

WORD = (1 << 64) - 1
ROUNDS = 2


def inverse(renaming: Renaming) -> Renaming:
    """The renaming that undoes this one."""
    return {
        sort: tuple(sorted(range(len(there)), key=there.__getitem__))
        for sort, there in renaming.items()
    }


def compose(after: Renaming, before: Renaming) -> Renaming:
    """The renaming that does `before`, then `after`."""
    result = dict(after)
    for sort, there in before.items():
        result[sort] = tuple(after[sort][i] for i in there) if sort in after else there
    return result


def rename_value(kind: ScalarType, value: int, renaming: Renaming) -> int:
    """A value after renaming."""
    if isinstance(kind, SortType) and kind.name in renaming:
        return renaming[kind.name][value]
    return value


def rename_arguments(action: Action, arguments: Arguments, renaming: Renaming) -> Arguments:
    """The arguments of a move between renamed states."""
    pairs = zip(action.parameters, arguments, strict=True)
    return tuple(rename_value(p.type, value, renaming) for p, value in pairs)


def mix(h: int) -> int:
    """The hash step that the C engine has too."""
    h ^= h >> 32
    h = h * 0xD6E8FEB86659FD93 & WORD
    return h ^ h >> 29


def tag(number: int) -> int:
    """A constant for the k-th part of a hash."""
    return 0x9E3779B97F4A7C15 * (2 * number + 1) & WORD


@dataclass(frozen=True, slots=True)
class Part:
    """Something in a cell: an index (`at` its number), a field (`at` its number) or a set's member.

    `sort` is the renamed sort, or "" for a plain value; `table` leads a following sort's ids to
    those of the leader whose colours they share. `weight` and `return_weight` go into the hash.
    """

    role: str
    at: int
    sort: str
    table: tuple[int, ...] | None
    weight: int
    return_weight: int


@dataclass(frozen=True, slots=True)
class Cells:
    """How the cells of one variable take part."""

    variable: Variable
    parts: tuple[Part, ...]
    start: int
    place_weight: int

    @property
    def ids(self) -> int:
        """How many ids a cell mentions."""
        return sum(1 for part in self.parts if part.sort)


class Symmetry:
    """The reduction of one model."""

    def __init__(self, model: Model, interchange: Interchange) -> None:
        self.model, self.interchange = model, interchange
        self.leaders = list(interchange.classes)
        numbers = count()
        self.cells = tuple(cells for v in model.variables if (cells := self._cells(v, numbers)).ids)
        self._positions = {v.name: k for k, v in enumerate(model.variables)}

    def _cells(self, variable: Variable, numbers: Iterator[int]) -> Cells:
        leaf = variable.leaf
        kinds = [("dim", k, dim) for k, dim in enumerate(variable.dims)]
        if isinstance(leaf, FifoType):
            kinds += [("field", k, kind) for k, (_, kind) in enumerate(leaf.fields)]
        elif isinstance(leaf, SetType):
            kinds.append(("member", 0, leaf.element))
        else:
            kinds.append(("value", 0, leaf))
        parts = tuple(self._part(role, at, kind, numbers) for role, at, kind in kinds)
        return Cells(variable, parts, tag(next(numbers)), tag(next(numbers)))

    def _part(self, role: str, at: int, kind: ScalarType, numbers: Iterator[int]) -> Part:
        sort, table = "", None
        if isinstance(kind, SortType):
            if kind.name in self.interchange.follows:
                sort, table = self.interchange.follows[kind.name]
            elif kind.name in self.interchange.classes:
                sort = kind.name
        return Part(role, at, sort, table, tag(next(numbers)), tag(next(numbers)))

    # ---- the representative

    def canonical(self, state: State) -> tuple[State, Renaming]:
        """The representative of a state and the renaming that leads to it."""
        colours = {
            sort: [tag(1_000 + c) for c in classes]
            for sort, classes in self.interchange.classes.items()
        }
        mentions = list(self._mentions(state))
        alone = [m for m in mentions if len(m[1]) == 1]
        beside = [m for m in mentions if len(m[1]) > 1]
        self._refine(colours, alone, self.leaders)
        for _ in range(ROUNDS):
            self._refine(colours, beside, self.leaders)
        renaming: Renaming = {}
        for number, sort in enumerate(self.leaders):
            renaming[sort] = self._placed(sort, colours[sort])
            colours[sort] = [tag(2_000 + place) for place in renaming[sort]]
            if rest := self.leaders[number + 1 :]:
                self._refine(colours, beside, rest)
        for sort, (leader, table) in self.interchange.follows.items():
            back = {place: k for k, place in enumerate(table)}
            renaming[sort] = tuple(back[renaming[leader][place]] for place in table)
        return self.renamed(state, renaming), renaming

    def _placed(self, sort: str, colours: list[int]) -> tuple[int, ...]:
        """Each class's places, in order, to its ids by colour."""
        classes = self.interchange.classes[sort]
        by_class = sorted(range(len(colours)), key=lambda k: (classes[k], colours[k], k))
        places = sorted(range(len(colours)), key=lambda k: (classes[k], k))
        there = [0] * len(colours)
        for k, place in zip(by_class, places, strict=True):
            there[k] = place
        return tuple(there)

    @staticmethod
    def _refine(
        colours: dict[str, list[int]],
        mentions: list[tuple[int, list[tuple[Part, int]]]],
        sorts: list[str],
    ) -> None:
        added = {sort: [0] * len(colours[sort]) for sort in sorts}
        for plain, ids in mentions:
            h = plain
            for part, k in ids:
                h += colours[part.sort][k] * part.weight
            h = mix(h & WORD)
            for part, k in ids:
                if part.sort in added:
                    added[part.sort][k] += mix(h * part.return_weight & WORD)
        for sort in sorts:
            colours[sort] = [
                mix((c + a) & WORD) for c, a in zip(colours[sort], added[sort], strict=True)
            ]

    def _mentions(self, state: State) -> Iterator[tuple[int, list[tuple[Part, int]]]]:
        """(hash of the plain parts, ids with their parts) of every cell that mentions ids."""
        for cells in self.cells:
            rows = state[self._positions[cells.variable.name]]
            for index, row in zip(row_indices(cells.variable.dims), rows, strict=True):
                for place, values in _entries(cells.variable, row):
                    plain, ids = cells.start + place * cells.place_weight, []
                    for part in cells.parts:
                        value = index[part.at] if part.role == "dim" else values[part.at]
                        if part.sort:
                            ids.append((part, part.table[value] if part.table else value))
                        else:
                            plain += (value + 1) * part.weight
                    yield plain & WORD, ids

    # ---- renaming

    def renamed(self, state: State, renaming: Renaming) -> State:
        """The state with every id renamed."""
        return tuple(
            self._renamed_rows(variable, rows, renaming)
            for variable, rows in zip(self.model.variables, state, strict=True)
        )

    @staticmethod
    def _renamed_rows(
        variable: Variable, rows: tuple[Row, ...], renaming: Renaming
    ) -> tuple[Row, ...]:
        result = list(rows)
        for index, row in zip(row_indices(variable.dims), rows, strict=True):
            pairs = zip(variable.dims, index, strict=True)
            new_index = [rename_value(dim, value, renaming) for dim, value in pairs]
            result[row_number(variable.dims, new_index)] = rename_row(variable, row, renaming)
        return tuple(result)


def rename_row(variable: Variable, row: Row, renaming: Renaming) -> Row:
    """One cell after renaming."""
    leaf = variable.leaf
    if isinstance(leaf, FifoType):
        assert isinstance(row, tuple)
        record = isinstance(leaf.element, RecordType)
        items: list[Element] = []
        for _, values in _entries(variable, row):
            pairs = zip(leaf.fields, values, strict=True)
            item = tuple(rename_value(kind, value, renaming) for (_, kind), value in pairs)
            items.append(item if record else item[0])
        return tuple(items)
    assert isinstance(row, int)
    if isinstance(leaf, SetType):
        kind = leaf.element
        places = [rename_value(kind, v[0], renaming) - kind.low for _, v in _entries(variable, row)]
        return sum(1 << place for place in places)
    return rename_value(leaf, row, renaming)


def _entries(variable: Variable, row: Row) -> Iterator[tuple[int, tuple[int, ...]]]:
    """(place, values) of each thing in a cell: elements, members, or the one value."""
    leaf = variable.leaf
    if isinstance(row, tuple):
        for place, item in enumerate(row):
            yield place, item if isinstance(item, tuple) else (item,)
    elif isinstance(leaf, SetType):
        for k in range(value_count(leaf.element)):
            if row >> k & 1:
                yield 0, (leaf.element.low + k,)
    else:
        yield 0, (row,)
