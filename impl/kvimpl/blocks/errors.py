"""What a manager says when it refuses: what happened, the likely cause, what to do next.

It decides wording and kinds, not when to refuse. The idea: a refusal leaves no effect, so each of
these can be caught and the call be made again, except `Broken`, which ends the manager.
"""

from __future__ import annotations


class BlockError(Exception):
    """A manager refused; `happened`, `cause` and `mend` are one sentence each."""

    def __init__(self, happened: str, *, cause: str, mend: str) -> None:
        self.happened, self.cause, self.mend = happened, cause, mend
        super().__init__(f"{happened} {cause} {mend}")


class NoFreeBlock(BlockError):
    """Every primary block is held, pinned or in a copy."""


class StaleHandle(BlockError):
    """The handle's block has been handed out for new content since."""


class ForeignHandle(BlockError):
    """The handle or pin is another manager's."""


class NotHeld(BlockError):
    """The request does not hold the block: a second release, or another's block."""


class NotPinned(BlockError):
    """The pin was already undone."""


class NotCached(BlockError):
    """The operation needs a committed block."""


class AlreadyCached(BlockError):
    """The block has its key already, and content that has a key does not change."""


class AlreadyHeld(BlockError):
    """The request holds the block already."""


class CopyInFlight(BlockError):
    """A copy still uses the block's slot."""


class LimitReached(BlockError):
    """A count is at the most that the settings allow."""


class SizeError(BlockError, ValueError):
    """A size, count or key is zero, negative or absurd."""


class PoolTooLarge(BlockError):
    """The device could not give the memory."""


class StepError(BlockError):
    """`begin_step` and `end_step` do not take turns, or a copy was wanted outside a step."""


class DeviceFault(BlockError):
    """The device refused a call, and the operation was undone."""


class Broken(BlockError):
    """The manager cannot know what the device did: it refuses everything from now on."""


class QueueFault(BlockError):
    """A block was looked for in a queue without it, or put on twice: a defect of ours."""


class StillInUse(BlockError):
    """The manager is to be closed while a request or a reader holds blocks."""


class Closed(BlockError):
    """The manager is closed."""
