"""Runs one case at a site under its judge, and says what came of it.

It decides what counts as a failure of a run and what the run covered; cases are drawn, kept and
shrunk elsewhere, and `site` decides on what they run. The idea: on the simulated device a run is a
function of its case and of nothing else, so the same case gives the same end, line by line. What is
looked at: each step and part, what the device was told of order and the tags that copies moved
(the judge), each order of accesses (a device that can), the bytes that kernels and readers find,
and at the end that every block is free again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from kvcheck.fuzz.case import Acquire, Allocate, Case, Failure, Ran
from kvcheck.fuzz.cover import names_of
from kvcheck.fuzz.designs import Ground, ground_of, settings_of
from kvcheck.fuzz.failures import of_bytes, of_error, of_finding, of_leak
from kvcheck.fuzz.hands import Clock, Hands, World
from kvcheck.fuzz.looks import EVERYTHING, Contents, Look, Looking
from kvcheck.fuzz.site import SIM, BlockBytes, Site
from kvcheck.lockstep import Judge, Refused
from kvcheck.schedule import ReplayDiverged
from kvcheck.verdict import Outcome
from kvimpl.blocks import BlockManager
from kvimpl.bugs import BUGS
from kvimpl.device.port import Finding
from kvspec.events import Detail, Event, Reporter, Shown
from kvspec.lang.state import State

RIGHT = "blocks"
HOLDS = (Acquire, Allocate)

Builder: TypeAlias = Callable[..., BlockManager]
"""Builds a manager as the class itself does: device, settings, compute, clock, reporter."""


class JudgeFault(Exception):
    """The judge itself broke, so that nothing is known of the run; three sentences."""


class _Watching:
    """The judge as a reporter, and what the run covers: the design's states and goals.

    `fault` is what broke inside the judge, which the manager's callers may never see as it was.
    """

    def __init__(self, judge: Judge, ground: Ground) -> None:
        self.judge, self.ground, self.detail = judge, ground, judge.detail
        self.states: set[int] = set()
        self.goals: set[str] = set()
        self.fault: Exception | None = None
        self._state: State = ()
        self._open = [(goal, [None] * len(goal.reads)) for goal in ground.goals]

    def report(self, event: Event, shown: Shown) -> None:
        """Let the judge judge, then take note of a state that is new."""
        try:
            self._judge(event, shown)
        except Refused:
            raise
        except Exception as error:
            self.fault = self.fault or error
            raise

    def _judge(self, event: Event, shown: Shown) -> None:
        self.judge.report(event, shown)
        state = self.judge.state
        if state is not self._state:
            self._state = state
            self.states.add(hash((self.ground.sizes, state)))
            if self._open:
                self._look(state)

    def _look(self, state: State) -> None:
        """Which goals the state reaches; asked only where a row that the goal reads is new."""
        for entry in tuple(self._open):
            goal, rows = entry
            now: list[object] = [state[n] for n in goal.reads]
            if all(a is b for a, b in zip(now, rows, strict=True)):
                continue
            rows[:] = now  # type: ignore[assignment]
            if goal.is_reached(state):
                self.goals.add(goal.name)
                self._open.remove(entry)


@dataclass(slots=True)
class Attempt:
    """A run under way; `failure` is the first thing that went wrong while calls were made.

    `end` says what is looked at once all calls are made; who looks at less overrides it.
    """

    case: Case
    world: World
    hands: list[Hands]
    failure: Failure | None = None

    def failed(self, hands: Hands, error: Exception) -> None:
        """An error that no caller has to expect: the run is over."""
        if isinstance(error, ReplayDiverged):
            raise error
        if self.failure is None:
            self.failure = of_error(error, task=hands.number, call=hands.current)
        self.world.is_over = True

    def play(self) -> Failure | None:
        """Every task's calls, and then the end, unless something fails before."""
        try:
            return self._played()
        finally:
            self.world.is_over = True  # tasks that go on by themselves stop at their next call

    def _played(self) -> Failure | None:
        device, (first, *others) = self.world.device, self.hands
        lines = self.case.tasks
        tasks = [
            device.spawn(f"task{h.number}", partial(h.play, lines[h.number], self.failed))
            for h in others
        ]
        first.play(lines[0], self.failed)
        first.current = None
        try:
            for task in tasks:
                if self.failure is None:
                    task.join()
            if self.failure is None:
                return self.end()
        except Exception as error:
            self.failed(first, error)
        return self.failure

    def settle(self) -> tuple[Finding, ...]:
        """Let go of everything and let the device finish; what it found."""
        world, manager = self.world, self.world.manager
        for hands in self.hands:
            hands.give_up()
        if world.is_step_open:
            manager.end_step()
        findings = world.device.quiesce()
        world.block_bytes.finish(world.device)
        manager.poll()
        return tuple(findings)

    def end(self) -> Failure | None:
        """Let go of everything, let the device finish, and look at what is left."""
        world, device, manager = self.world, self.world.device, self.world.manager
        findings = self.settle()
        if findings:
            return of_finding(findings[0], read=world.wrong_bytes[:1])
        if world.wrong_bytes:
            return of_bytes(world.wrong_bytes[0])
        lost = of_leak(manager.observe(), manager.shape)
        if lost is not None:
            return lost
        manager.close()
        for hands in self.hands:
            hands.free()
        findings = device.close()
        return of_finding(findings[0]) if findings else None


def run_case(case: Case, *, site: Site = SIM, looks: frozenset[Look] = EVERYTHING) -> Ran:
    """The case's run, from a fresh device of the site to its end.

    `looks` are the witnesses of the device that the judge has.

    Raises:
        ValueError: the sizes are absurd, the order names no schedule, or there is no such manager.
        ReplayDiverged: the order is a recorded line that this run does not follow.
        JudgeFault: the judge raised something that is no refusal.
    """
    settings = settings_of(case.sizes)
    ground = ground_of(settings.shape, request_count(case))
    opened = site.open(case)
    try:
        looking = Looking(opened.device, looks, slot_bytes=settings.slot_bytes)
        judge = Judge(
            ground.design, detail=Detail.PARTS, order=looking.order, payload=looking.payload
        )
        watching = _Watching(judge, ground)
        contents = Contents(settings.slot_bytes, payload=looking.payload, ghosts=judge.ghosts)
        failure = Attempt(case, *made(case, looking, watching, opened.block_bytes, contents)).play()
    finally:
        opened.end()
    unjudged = judge.verdict()
    if unjudged.outcome is Outcome.INCONCLUSIVE:
        raise JudgeFault(
            f"The judge gave up: {unjudged.reason}. The case is larger than its design's instance. "
            "Draw smaller cases, or judge by a larger instance; the run counts as not made."
        )
    if watching.fault is not None:
        raise JudgeFault(
            f"The judge broke with {type(watching.fault).__name__}: {watching.fault}. "
            f"That is a fault of the design's reading, and says nothing about {case.manager!r}. "
            "Mend the judge; the run counts as not made."
        ) from watching.fault
    covered = names_of(ground, judge.taken, judge.refused, watching.states, watching.goals)
    return Ran(failure, opened.line, judge.step_count, covered, site.name, judge.unwitnessed)


def made(
    case: Case, looking: Looking, reporter: Reporter | None, by: BlockBytes, contents: Contents
) -> tuple[World, list[Hands]]:
    """The case's manager on the device, and a pair of hands for each task."""
    settings = settings_of(case.sizes)
    device, compute, clock = looking.device, looking.compute, Clock()
    build = builder_of(case.manager)
    manager = build(device, settings, compute=compute, clock=clock, reporter=reporter)
    world = World(device, manager, compute, clock, contents, by)
    return world, [Hands(world, number) for number in range(len(case.tasks))]


def request_count(case: Case) -> int:
    """How many requests may hold blocks at one time: all that the case names, task by task."""
    return sum(len({c.request for c in line if isinstance(c, HOLDS)}) for line in case.tasks)


def managers() -> tuple[str, ...]:
    """What a case may name as its manager, the right one first."""
    return (RIGHT, *BUGS)


def builder_of(manager: str) -> Builder:
    """What builds the manager that is named. Raises: ValueError."""
    if manager == RIGHT:
        return BlockManager
    if manager not in BUGS:
        raise ValueError(
            f"There is no manager {manager!r}. The case was edited, or is of another version. "
            f"Name {RIGHT!r} or one of kvimpl.bugs: {', '.join(BUGS)}."
        )
    return BUGS[manager].build
