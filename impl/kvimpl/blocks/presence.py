"""Which entries of a row are there: made anew only when the row has changed.

It decides nothing about blocks. The idea: a judge asks at every step, and most steps leave most
rows as they were; comparing a row with the last one is cheaper than wording it again.
"""

from __future__ import annotations


class Presence:
    """For each entry of the row shown last, whether it is anything but None."""

    __slots__ = ("_present", "_row")

    def __init__(self) -> None:
        self._row: tuple[object, ...] = ()
        self._present: tuple[bool, ...] = ()

    def of(self, row: tuple[object, ...]) -> tuple[bool, ...]:
        """The same for this row."""
        if row != self._row:
            self._row = row
            self._present = tuple([entry is not None for entry in row])
        return self._present
