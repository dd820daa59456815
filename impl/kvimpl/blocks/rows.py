"""Variables of every block, one row each, and the board on which they are shown.

They decide nothing about blocks. The idea: a judge asks at every step, and most steps write one
cell of few rows. Whoever writes a cell, by whatever path, makes its row stale; only stale rows are
shown anew, and all others as the objects that they were, which costs nothing to make or to compare.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn, SupportsIndex, TypeVar

from kvspec.events import Observation

T = TypeVar("T")
_write = list.__setitem__


class Board:
    """The cells of an observation, in order; those of rows follow the rows."""

    __slots__ = ("_cells", "stale")

    def __init__(self) -> None:
        self._cells: list[object] = [None] * len(Observation._fields)
        self.stale: list[Row[Any]] = []  # Any: rows of every kind

    def cells(self) -> list[object]:
        """The cells as they are now; who asks sets those that no row is shown in."""
        cells, stale = self._cells, self.stale
        if stale:
            for row in stale:
                row.is_stale = False
                cells[row.place] = tuple(row[:])  # of a list itself, which is copied as a whole
            stale.clear()
        return cells


class Row(list[T]):
    """A cell for each block, shown as the field `name` if it has one.

    Only cells can be written, so its length is fixed.
    """

    __slots__ = ("_board", "is_stale", "place")

    def __init__(self, board: Board, name: str | None, cells: Iterable[T]) -> None:
        super().__init__(cells)
        self._board, self.is_stale = board, True
        if name is not None:
            self.place = Observation._fields.index(name)
            board.stale.append(self)

    def __setitem__(self, block: SupportsIndex, cell: T) -> None:  # type: ignore[override]  # no slices
        _write(self, block, cell)
        if not self.is_stale:
            self.is_stale = True
            self._board.stale.append(self)

    def _fixed(self, *_: object, **__: object) -> NoReturn:
        raise TypeError(
            "A row of blocks was changed otherwise than by a cell. What it was shown as would be"
            " shown again. Write `row[block] = cell`."
        )

    append = extend = insert = pop = remove = clear = sort = reverse = _fixed
    __delitem__ = __iadd__ = __imul__ = _fixed


_write_cell = Row.__setitem__


class SparseRow(Row[T | None]):
    """A row of which another row, shown as the field `present`, says which cells are not None."""

    __slots__ = ("_present",)

    def __init__(
        self, board: Board, name: str | None, cells: Iterable[T | None], *, present: str
    ) -> None:
        super().__init__(board, name, cells)
        self._present = Row(board, present, [cell is not None for cell in self])

    def __setitem__(self, block: SupportsIndex, cell: T | None) -> None:  # type: ignore[override]  # as above
        _write_cell(self, block, cell)
        self._present[block] = cell is not None
