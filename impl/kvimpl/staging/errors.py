"""What staging refuses, and in which words: what happened, the likely cause, what to do next.

It decides kinds and wording, not when to refuse. The idea: a refusal leaves no effect, so that the
call may be made again once its cause is gone.
"""

from __future__ import annotations


class StagingError(Exception):
    """Staging refused; `happened`, `cause` and `mend` are one sentence each."""

    def __init__(self, happened: str, *, cause: str, mend: str) -> None:
        self.happened, self.cause, self.mend = happened, cause, mend
        super().__init__(f"{happened} {cause} {mend}")


class UnknownRequest(StagingError):
    """The request has no slot."""


class AlreadyBound(StagingError):
    """The request has a slot already."""


class NoFreeSlot(StagingError):
    """Every slot is bound."""


class StaleSlot(StagingError):
    """The slot was released, and perhaps bound to another request since."""


class SizeError(StagingError, ValueError):
    """A size, a page or a row does not fit."""


class EmptyBatch(StagingError):
    """There is nothing to ship."""


class StagingFault(StagingError):
    """The device refused a call; what had been allocated for it was given back."""


class Closed(StagingError):
    """The table or the staging is closed."""
