"""What a proof may cost, when it must end, and what it comes to.

It decides the time of a question and of a whole command; what is proved within is `proving`.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from types import FrameType

from kvcheck.cli.choose import Target
from kvcheck.cli.searching import now
from kvcheck.trace.record import RunRecord
from kvcheck.verdict import Evidence, ObligationResult
from kvspec.lang.ir import Model

QUERY_SECONDS_MAX = 60.0


class Reach(Enum):
    """Which proofs to try: every size and then the stated one, or only one of them."""

    BEST = "best"
    EVERY_SIZE = "every size"
    STATED_SIZE = "stated size"


class Ending(Enum):
    """Why a proof ended."""

    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    OUT_OF_TIME = "out of time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How to prove: `deadline` on the command line's clock, or None."""

    reach: Reach = Reach.BEST
    jobs: int = 0
    seed: int = 0
    audit_hits: int = 0
    deadline: float | None = None

    def seconds_left(self) -> float | None:
        """Until the deadline, at least 0."""
        return None if self.deadline is None else max(0.0, self.deadline - now())


@dataclass(frozen=True, slots=True)
class Proof:
    """What was established of one target."""

    target: Target
    model: Model
    results: tuple[ObligationResult, ...]
    required: tuple[tuple[str, Evidence], ...]
    records: tuple[RunRecord, ...]
    notes: tuple[str, ...]
    ending: Ending
    seconds: float
    solved: int
    from_cache: int

    @property
    def expected(self) -> tuple[str, ...]:
        """The ids of every obligation that there is."""
        return tuple(name for name, _ in self.required)


def query_seconds(effort: Effort) -> float:
    """The time that one question may take."""
    left = effort.seconds_left()
    return QUERY_SECONDS_MAX if left is None else max(1.0, min(QUERY_SECONDS_MAX, left))


def usable_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Alarm:
    """Whether the time is up."""

    def __init__(self) -> None:
        self.has_rung = False

    def ring(self, _number: int, _frame: FrameType | None) -> None:
        self.has_rung = True
        raise KeyboardInterrupt


@contextmanager
def alarm(seconds: float | None) -> Iterator[Alarm]:
    """Interrupt what is within after this time, as Ctrl-C would, and remember that it was time."""
    clock = Alarm()
    if seconds is None or not hasattr(signal, "setitimer"):
        yield clock
        return
    before = signal.signal(signal.SIGALRM, clock.ring)
    signal.setitimer(signal.ITIMER_REAL, max(0.001, seconds))
    try:
        yield clock
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
