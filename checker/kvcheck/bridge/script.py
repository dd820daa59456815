"""A run as a script: the calls that make its steps, and those that only prepare one.

It decides what a call is and which steps of a run it makes; which calls a run becomes is decided by
the readings, and what comes of them by the player. The idea: a call that makes a step of the run
names it and says which action the manager has to report; every other call is silent, belongs to
the step that it prepares, and must never be what a bug is found by.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

WARM_UP = 0
"""The step to which calls before the run belong."""


class Unplayable(Exception):
    """A step of the run has no call on the manager, or the call did something else."""


class Verb(Enum):
    """What is called; the sentence says it to people."""

    BEGIN_STEP = "begin_step"
    END_STEP = "end_step, then a kernel on the compute stream"
    ALLOCATE = "allocate"
    ACQUIRE = "acquire"
    COMMIT = "commit"
    RELEASE = "release"
    PIN = "pin"
    UNPIN = "unpin"
    SETTLE = "the device runs, then poll"
    EXPIRE = "a second passes, then refresh"


@dataclass(frozen=True, slots=True)
class Wish:
    """How a block is to be kept: its priority, and whether for a second or for good."""

    priority: int
    is_timed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call. It makes the steps from `first` to `last`, or none if it `is_silent`.

    `action` is what the manager has to report, "" for nothing; `copy` is the stream, source and
    target of the copy that it has to send, if any. A `block` is named as in the run, in a warm-up
    by the slot where it is. Without a `request`, the next new one allocates or acquires, and the
    holder commits or releases.
    """

    verb: Verb
    first: int
    last: int
    is_silent: bool = False
    action: str = ""
    block: int | None = None
    request: int | None = None
    wish: Wish | None = None
    copy: tuple[int, int, int] | None = None

    @property
    def words(self) -> str:
        """The call as a person reads it."""
        return self.verb.value + ("" if self.block is None else f" of block {self.block}")


Script = tuple[Call, ...]


def silent(verb: Verb, step: int, *, block: int | None = None) -> Call:
    """A call that makes no step of the run, before or after the one it belongs to."""
    return Call(verb=verb, first=step, last=step, is_silent=True, block=block)


def making(
    verb: Verb,
    step: int,
    action: str,
    *,
    block: int | None = None,
    request: int | None = None,
    wish: Wish | None = None,
) -> Call:
    """A call that makes one step, by this action of the manager."""
    return Call(
        verb=verb, first=step, last=step, action=action, block=block, request=request, wish=wish
    )
