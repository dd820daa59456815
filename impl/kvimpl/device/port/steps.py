"""What a schedule sees of a run: at each step, who could go on and what their next step touches.

It decides the words between a simulated device and whatever chooses its order, so that choosers
know no device and the device no chooser. The idea: a step is declared before it is taken, with all
that it may touch, so that two steps which touch nothing in common need only one of their orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple, Protocol


class Touch(NamedTuple):
    """A range of one thing: bytes of a memory, or the whole of a lock, a completion, a queue."""

    thing: str
    start: int
    stop: int
    writes: bool


class LockUse(Enum):
    """Whether a step takes or gives back a lock: taking is what two tasks compete for."""

    NONE = "none"
    ACQUIRE = "acquire"
    RELEASE = "release"


class Pending(NamedTuple):
    """The next step of one actor, which could be taken now.

    `caused_by` is the step that made it possible to take at all (the enqueuing, the spawning), -1
    for none; `needs` are the things whose earlier writes this step had to wait for.
    """

    actor: str
    does: str
    touches: tuple[Touch, ...]
    is_host: bool
    caused_by: int = -1
    needs: frozenset[str] = frozenset()
    lock_use: LockUse = LockUse.NONE


class Abandoned(BaseException):
    """Raised by a schedule to end a run that would only repeat another. Not an error of the
    program, so not an `Exception`: no handler in the program may swallow it."""


class Schedule(Protocol):
    """Chooses every step of a run. One run calls `pick` once a step, with at least one pending."""

    def pick(self, pending: Sequence[Pending]) -> int:
        """The index of the step to take. `pending` is in a fixed order: hosts, then streams, each
        by age. Raises: Abandoned."""
