"""A known bug of the manager against one kind of check at a time: what does each see by itself?

It decides what each column looks at and for how many runs, and nothing about what a bug claims.
The idea: the same drawn cases are run under one check and no other, so that two columns differ by
what they look at and by nothing else. A run that the bug breaks off with an exception of its own
is over, and is no kill for anybody.

*Counts only* is what shipped managers check of themselves: SGLang compares, when it is idle, the
number of free and evictable tokens with the size of the pool; TensorRT-LLM keeps counters of free
blocks for each level, and `verifyQueueIntegrity` looks at levels and references of what is queued.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

import kvimpl.bugs as registry
from kvcheck.fuzz.case import Case, Failure
from kvcheck.fuzz.designs import ground_of, settings_of
from kvcheck.fuzz.draw import SIZES, WITH_PRIORITIES, fresh
from kvcheck.fuzz.failures import of_bytes, of_finding
from kvcheck.fuzz.looks import Contents, Looking
from kvcheck.fuzz.runner import Attempt, made, request_count
from kvcheck.fuzz.site import SIM
from kvcheck.lockstep import Judge
from kvimpl.bugs import Evidence, Needs
from kvspec.events import Detail, Event, Level, Observation, Reporter, Shape, Shown


class Column(Enum):
    """One kind of check."""

    LOCKSTEP = "lockstep"
    SCHEDULES = "schedules"
    PAYLOAD = "payload"
    COUNTS = "counts only"


RUNS: Mapping[Column, int] = MappingProxyType(
    {Column.LOCKSTEP: 1_500, Column.SCHEDULES: 250, Column.PAYLOAD: 150, Column.COUNTS: 150}
)


@dataclass(frozen=True, slots=True)
class Cell:
    """What a column made of a bug: in which run it was found, as what; `by` is empty if missed."""

    runs: int
    by: str


@dataclass(frozen=True, slots=True)
class KnownBug:
    """What the matrix needs to know of a bug of the manager."""

    row: str
    only_bytes: bool
    needs_threads: bool


def known_bugs() -> dict[str, KnownBug]:
    """The bugs of the manager by id, in the order of their registry."""
    return {
        bug.id: KnownBug(bug.row, bug.evidence is Evidence.BYTES, Needs.THREADS in bug.needs)
        for bug in registry.BUGS.values()
    }


class Miscounted(Exception):
    """A counter says what cannot be, or after the end not what the pool has."""


class _Counters:
    """A reporter that looks at the counters of free blocks and at nothing else."""

    detail = Detail.STEPS

    def report(self, event: Event, shown: Shown) -> None:
        """Raises: Miscounted."""
        wrong = _impossible(shown.observe(), shown.shape)
        if wrong:
            raise Miscounted(wrong)


class _Judged(Attempt):
    def end(self) -> Failure | None:
        self.settle()
        return None


class _Ordered(Attempt):
    def end(self) -> Failure | None:
        findings = self.settle()
        return of_finding(findings[0]) if findings else None


class _Read(Attempt):
    def end(self) -> Failure | None:
        self.settle()
        wrong = self.world.wrong_bytes
        return of_bytes(wrong[0]) if wrong else None


class _Counted(Attempt):
    def end(self) -> Failure | None:
        self.settle()
        manager = self.world.manager
        seen, shape = manager.observe(), manager.shape
        if seen.free_count != (shape.primary_count, shape.secondary_count):
            return Failure("error", "Miscounted at the end", f"{seen.free_count} free at the end")
        return None


_KINDS: Mapping[Column, type[Attempt]] = MappingProxyType(
    {
        Column.LOCKSTEP: _Judged,
        Column.SCHEDULES: _Ordered,
        Column.PAYLOAD: _Read,
        Column.COUNTS: _Counted,
    }
)
_KILLS: Mapping[Column, Callable[[Failure], bool]] = MappingProxyType(
    {
        Column.LOCKSTEP: lambda failure: failure.kind == "refused",
        Column.SCHEDULES: lambda failure: failure.kind in ("finding", "stuck"),
        Column.PAYLOAD: lambda failure: failure.kind == "bytes",
        Column.COUNTS: lambda failure: failure.detail.startswith("Miscounted"),
    }
)


def measure(manager: str, column: Column, *, seed: int = 0, runs: int | None = None) -> Cell:
    """Run drawn cases on the manager under one check, until it sees something or they are used."""
    rng, most = random.Random(seed), runs or RUNS[column]
    for number in range(1, most + 1):
        case = fresh(rng, sizes=SIZES + WITH_PRIORITIES, manager=manager)
        failure = looked_at(case, column)
        if failure is not None:
            return Cell(number, failure.detail)
    return Cell(most, "")


def looked_at(case: Case, column: Column) -> Failure | None:
    """The case under one check; what that check saw, or None."""
    opened, reporter, size = SIM.open(case), _reporter(case, column), case.sizes.slot_bytes
    try:
        looking = Looking(opened.device, frozenset(), slot_bytes=size)
        parts = made(case, looking, reporter, opened.block_bytes, Contents(size))
        failure = _KINDS[column](case, *parts).play()
    finally:
        opened.end()
    return failure if failure is not None and _KILLS[column](failure) else None


def _reporter(case: Case, column: Column) -> Reporter | None:
    if column is Column.LOCKSTEP:
        ground = ground_of(settings_of(case.sizes).shape, request_count(case))
        return Judge(ground.design, detail=Detail.PARTS)
    return _Counters() if column is Column.COUNTS else None


def _impossible(seen: Observation, shape: Shape) -> str:
    sizes = {Level.PRIMARY: shape.primary_count, Level.SECONDARY: shape.secondary_count}
    for level, size in sizes.items():
        count = 0 if seen.free_count is None else seen.free_count[level]
        if not 0 <= count <= size:
            return f"{count} of {size} blocks are free in {level.name.lower()}"
    return ""
