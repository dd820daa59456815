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
        if self.stale:
            for row in self.stale:
                row.show(self._cells)
            self.stale.clear()
        return self._cells


class Row(list[T]):
    """A cell for each block; only cells can be written, so its length is fixed.

    It is shown as the field `name` of an observation, and which of its cells are not None as the
    field `present`, where there are such fields.
    """

    __slots__ = ("_board", "_is_stale", "_place", "_present")

    def __init__(
        self, board: Board, name: str | None, cells: Iterable[T], *, present: str | None = None
    ) -> None:
        super().__init__(cells)
        self._board, self._is_stale = board, True
        self._place = None if name is None else Observation._fields.index(name)
        self._present = None if present is None else Observation._fields.index(present)
        board.stale.append(self)

    def __setitem__(self, block: SupportsIndex, cell: T) -> None:  # type: ignore[override]  # no slices
        _write(self, block, cell)
        if not self._is_stale:
            self._is_stale = True
            self._board.stale.append(self)

    def show(self, cells: list[object]) -> None:
        """Put the row where it is shown."""
        self._is_stale = False
        if self._place is not None:
            cells[self._place] = tuple(self)
        if self._present is not None:
            cells[self._present] = tuple([cell is not None for cell in self])

    def _fixed(self, *_: object, **__: object) -> NoReturn:
        raise TypeError(
            "A row of blocks was changed otherwise than by a cell. What it was shown as would be"
            " shown again. Write `row[block] = cell`."
        )

    append = extend = insert = pop = remove = clear = sort = reverse = _fixed
    __delitem__ = __iadd__ = __imul__ = _fixed
