"""Litmus programs on the simulated device: under every order, or under one.

It decides what was seen there: the outcomes, whether a run reported a race, and whether any order
was left out. The races are those of the device's own watch.
"""

from __future__ import annotations

from dataclasses import dataclass

from kvcheck.litmus.on_device import run_on
from kvcheck.litmus.program import Outcome, Program
from kvcheck.schedule import Budget, Reach, explore
from kvimpl.device.port.steps import Schedule
from kvimpl.device.sim import Ran, SimOptions, run

RUNS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Seen:
    """What a device, or a formalism, says of a program; `is_complete`: there is no more to see.

    `is_racy` is None where races cannot be seen.
    """

    outcomes: frozenset[Outcome]
    is_racy: bool | None
    is_complete: bool
    runs: int = 0


def once(program: Program, schedule: Schedule) -> Ran[Outcome]:
    """One run; it is racy if it has findings."""
    return run(lambda dev: run_on(dev, program), schedule, SimOptions(pageable=program.pageable))


def on_sim(program: Program, *, runs_max: int = RUNS_MAX) -> Seen:
    """Every order that can make a difference. Raises: what the device failed with."""
    races = []

    def outcome(schedule: Schedule) -> Outcome:
        ran = once(program, schedule)
        if ran.error is not None:
            raise ran.error
        races.append(bool(ran.findings))
        assert ran.outcome is not None
        return ran.outcome

    result = explore(outcome, budget=Budget(runs=runs_max))
    complete = result.reach is Reach.EXHAUSTED
    return Seen(frozenset(result.outcomes), any(races), complete, result.runs)
