"""The one error a spec author meets: three sentences and a place in their own file."""

from __future__ import annotations

from kvspec.lang.ir import Position


class SpecError(Exception):
    """A spec says something the language has no meaning for.

    `what` happened (with values), the likely `cause`, the `mend`: one sentence each.
    """

    def __init__(self, what: str, *, cause: str, mend: str, at: Position | None = None) -> None:
        self.what, self.cause, self.mend, self.at = what, cause, mend, at
        place = f"{at.file}:{at.line}:{at.column}: " if at else ""
        super().__init__(f"{place}{what} {cause} {mend}")
