"""Runs one schedule twice and says what differed: a program with hidden choices cannot be judged.

It decides whether a program does the same under the same schedule, in its steps and its outcome.
The two runs are compared at the first difference only; what follows it is a consequence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from kvimpl.device.port.steps import Pending, Schedule

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two runs under one schedule parted; `step` is None if only their outcomes differ."""

    step: int | None
    first: str
    second: str

    def __str__(self) -> str:
        where = "the outcomes differ" if self.step is None else f"at step {self.step} they part"
        return (
            f"two runs under one schedule are not alike: {where}; first: {self.first}; second: "
            f"{self.second}. The program uses time, chance, ids or the order of a set of its own. "
            "Pass these in."
        )


class _Observer:
    """A schedule whose offers are taken down as well as its picks."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self.offers: list[str] = []
        self.actors: list[str] = []

    def pick(self, pending: Sequence[Pending]) -> int:
        self.offers.append("; ".join(f"{one.actor}: {one.does} {_told(one)}" for one in pending))
        index = self._schedule.pick(pending)
        self.actors.append(pending[index].actor)
        return index


def difference(run: Callable[[Schedule], T], schedule: Schedule) -> Difference | None:
    """Run under the schedule, then under its record; None if the runs were alike."""
    first = _Observer(schedule)
    outcome = run(first)
    second = _Observer(_Lenient(first.actors))
    again = run(second)
    for step, (one, other) in enumerate(zip(first.offers, second.offers, strict=False)):
        if one != other:
            return Difference(step, one, other)
    lengths = (len(first.offers), len(second.offers))
    if lengths[0] != lengths[1]:
        return Difference(min(lengths), f"{lengths[0]} steps", f"{lengths[1]} steps")
    if outcome != again:
        return Difference(None, repr(outcome), repr(again))
    return None


class _Lenient:
    """The recorded actors, or the first that can go on: the difference is told afterwards."""

    def __init__(self, actors: list[str]) -> None:
        self._actors = actors
        self._step = 0

    def pick(self, pending: Sequence[Pending]) -> int:
        wanted = self._actors[self._step] if self._step < len(self._actors) else ""
        self._step += 1
        return next((k for k, one in enumerate(pending) if one.actor == wanted), 0)


def _told(one: Pending) -> str:
    return " ".join(
        f"{'w' if touch.writes else 'r'}({touch.thing} {touch.start}:{touch.stop})"
        for touch in one.touches
    )
