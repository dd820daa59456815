"""What a search is asked to do: limits, engine, and which questions to answer.

It decides nothing; `search.explore` reads it. The clock, the cache's place and the compiler come
from the caller, so that a search has no hidden input.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class Engine(Enum):
    """`AUTO`: Python at once, the compiled engine as soon as it is built."""

    AUTO = "auto"
    PYTHON = "python"
    COMPILED = "compiled"


class Symmetry(Enum):
    """Whether states that differ by a renaming of interchangeable ids are counted once."""

    OFF = "off"
    ON = "on"


class Coverage(Enum):
    """Whether to count how often each guard conjunct was true, false or not reached."""

    OFF = "off"
    ON = "on"


class Deadlock(Enum):
    """Whether a state without successor that is not terminal is a violation."""

    REPORT = "report"
    IGNORE = "ignore"


class AfterViolation(Enum):
    """`STOP`: finish the level in which something was violated, then stop. `CONTINUE`: search on,
    for the shortest violation of every other property."""

    STOP = "stop"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The limits and switches of one search; 0 or None for "no limit of its own".

    `states_max` and `depth_max` bound the search, `python_states_max` what the uncompiled engine
    may hold (about a kilobyte a state), `memory_max_bytes` the compiled one. `compiler` None means
    the first of cc, gcc, clang on the path; `cache_dir` None means that nothing is kept.
    """

    engine: Engine = Engine.AUTO
    symmetry: Symmetry = Symmetry.OFF
    coverage: Coverage = Coverage.OFF
    deadlock: Deadlock = Deadlock.REPORT
    after_violation: AfterViolation = AfterViolation.STOP
    threads: int = 0
    states_max: int = 0
    depth_max: int | None = None
    seconds_max: float | None = None
    python_states_max: int = 500_000
    memory_max_bytes: int | None = None
    compiler: str | None = None
    cache_dir: Path | None = None
    clock: Callable[[], float] = time.monotonic
    progress_seconds: float = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a running search is: `queue` states of the current level are still to be expanded."""

    engine: str
    states: int
    transitions: int
    queue: int
    depth: int
    seconds: float

    @property
    def rate(self) -> float:
        """Distinct states a second so far."""
        return self.states / self.seconds if self.seconds > 0 else 0.0
