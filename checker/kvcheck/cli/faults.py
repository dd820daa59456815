"""The ways a command ends early, each with its exit code and its three sentences.

It decides no wording of its own; whoever raises knows what happened, the likely cause, and the
mend. Anything that is not one of these is a fault of the tool.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches

from kvcheck.verdict import Exit


class Fault(Exception):
    """A command cannot go on: `what` happened, the likely `cause`, the `mend`; and the code."""

    def __init__(self, what: str, *, cause: str, mend: str, code: Exit = Exit.USAGE) -> None:
        self.code = code
        self.parts = (what, cause, mend)
        super().__init__(" ".join(part for part in self.parts if part))

    def __reduce__(self) -> tuple[Callable[..., Fault], tuple[tuple[str, str, str], Exit]]:
        """A fault comes back from another process as it was."""
        return _fault, (self.parts, self.code)


def _fault(parts: tuple[str, str, str], code: Exit) -> Fault:
    what, cause, mend = parts
    return Fault(what, cause=cause, mend=mend, code=code)


def nearest(word: str, known: Iterable[str]) -> str:
    """`Did you mean X?`, or the names that there are."""
    names = sorted(known)
    folded = {name.lower(): name for name in names}
    close = get_close_matches(word.lower(), folded, n=1, cutoff=0.5)
    if close:
        return f"Did you mean {folded[close[0]]}?"
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"There are: {shown}." if names else "There are none."
