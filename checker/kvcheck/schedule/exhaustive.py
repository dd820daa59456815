"""Runs a program under every order of its steps that can make a difference.

It decides which order comes next and when there is none left; what a run means is its caller's
matter. Stateless search: each run starts afresh, follows the path it is given and then goes host
first. Source sets decide what is worth a run, sleep sets that nothing is run twice.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from kvcheck.schedule.races import Order, conflict
from kvcheck.schedule.replay import ReplayDiverged
from kvcheck.schedule.text import written
from kvimpl.device.port.steps import Abandoned, Pending, Schedule

T = TypeVar("T", bound=Hashable)


class Reduction(Enum):
    """What is left out: nothing; repeated work; all orders that cannot make a difference."""

    NONE = "none"
    SLEEP = "sleep sets"
    DPOR = "source sets and sleep sets"


class Reach(Enum):
    """Why an exploration stopped; only the first says that there is no other outcome."""

    EXHAUSTED = "exhausted"
    BUDGET = "budget"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """When to stop; `clock` is asked for seconds only if `seconds` is given."""

    runs: int | None = None
    seconds: float | None = None
    clock: Callable[[], float] = float

    def __post_init__(self) -> None:
        if self.seconds is not None and self.clock is float:
            raise ValueError(
                f"a budget of {self.seconds} s needs a clock. Time is passed in, never looked up. "
                "Pass clock=time.monotonic."
            )


@dataclass(frozen=True, slots=True)
class Explored(Generic[T]):
    """What an exploration saw. `outcomes` has each outcome with the first schedule that led to it.

    `runs` are complete ones; `repeated_runs` were given up because another run covers them.
    """

    reach: Reach
    outcomes: dict[T, str]
    runs: int
    repeated_runs: int
    steps: int

    def __str__(self) -> str:
        seen = f"{len(self.outcomes)} outcomes in {self.runs} runs, {self.steps} steps"
        return f"{self.reach.value}: {seen}"


class _Choice:
    """One scheduling point on the present path."""

    __slots__ = ("asleep", "chosen", "pending", "todo", "tried")

    def __init__(self, pending: Sequence[Pending], asleep: dict[str, Pending]) -> None:
        self.pending = {one.actor: one for one in pending}
        self.asleep = asleep
        self.tried: list[str] = []
        self.chosen = ""
        self.todo: set[str] = set()

    def next(self) -> str | None:
        """Who is to be tried here and was not."""
        for actor in self.pending:
            if actor in self.todo and actor not in self.tried and actor not in self.asleep:
                return actor
        return None


class Frontier:
    """The search tree's present path; as a schedule it leads one run along it and beyond."""

    def __init__(self, reduction: Reduction) -> None:
        self._reduction = reduction
        self._path: list[_Choice] = []
        self._depth = 0

    @property
    def steps(self) -> list[Pending]:
        """The steps of the present run."""
        return [choice.pending[choice.chosen] for choice in self._path[: self._depth]]

    def begin(self) -> None:
        """A new run starts."""
        self._depth = 0

    def pick(self, pending: Sequence[Pending]) -> int:
        """The path's next step, or beyond it the first that is not asleep. Raises: Abandoned."""
        depth = self._depth
        if depth == len(self._path):
            choice = _Choice(pending, self._asleep())
            awake = [one.actor for one in pending if one.actor not in choice.asleep]
            if not awake:
                raise Abandoned("another run covers this one")
            choice.chosen = awake[0]
            choice.todo = {awake[0]} if self._reduction is Reduction.DPOR else set(awake)
            self._path.append(choice)
        chosen = self._path[depth].chosen
        self._depth += 1
        for index, one in enumerate(pending):
            if one.actor == chosen:
                return index
        raise ReplayDiverged(depth, chosen, pending)

    def advance(self) -> bool:
        """Learn from the run that is over; whether there is another one to do."""
        if self._reduction is Reduction.DPOR:
            self._learn()
        while self._path:
            last = self._path[-1]
            last.tried.append(last.chosen)
            chosen = last.next()
            if chosen is not None:
                last.chosen = chosen
                return True
            self._path.pop()
        return False

    def _asleep(self) -> dict[str, Pending]:
        """Who need not be tried here: tried before the last step, and not in conflict with it."""
        if not self._path or self._reduction is Reduction.NONE:
            return {}
        last = self._path[-1]
        taken = last.pending[last.chosen].touches
        before = {**last.asleep, **{actor: last.pending[actor] for actor in last.tried}}
        return {
            actor: step
            for actor, step in before.items()
            if actor != last.chosen and not conflict(step.touches, taken)
        }

    def _learn(self) -> None:
        for at, firsts in Order(self.steps).races():
            choice = self._path[at]
            if firsts & choice.todo:
                continue
            possible = [actor for actor in choice.pending if actor in firsts]
            choice.todo.update(possible[:1] or choice.pending)


def explore(
    run: Callable[[Schedule], T],
    *,
    budget: Budget,
    reduction: Reduction = Reduction.DPOR,
    stop: Callable[[T], bool] | None = None,
) -> Explored[T]:
    """Call `run` with one schedule after another, until all orders are covered.

    `run` executes the whole program afresh under the schedule and returns its outcome; it must let
    `Abandoned` pass. `stop` ends the exploration at an outcome. Raises: ReplayDiverged, if the
    program does not do the same under the same schedule.
    """
    frontier = Frontier(reduction)
    outcomes: dict[T, str] = {}
    runs = repeated = steps = 0
    end = None if budget.seconds is None else budget.clock() + budget.seconds
    while True:
        spent = budget.runs is not None and runs + repeated >= budget.runs
        if spent or (end is not None and budget.clock() >= end):
            return Explored(Reach.BUDGET, outcomes, runs, repeated, steps)
        frontier.begin()
        try:
            outcome = run(frontier)
        except Abandoned:
            repeated += 1
        else:
            runs += 1
            if outcome not in outcomes:
                outcomes[outcome] = written([step.actor for step in frontier.steps])
            if stop is not None and stop(outcome):
                return Explored(Reach.STOPPED, outcomes, runs, repeated, steps)
        steps += len(frontier.steps)
        if not frontier.advance():
            return Explored(Reach.EXHAUSTED, outcomes, runs, repeated, steps)
