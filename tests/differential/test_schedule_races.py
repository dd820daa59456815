"""One run's happens-before against all outcomes: whatever can differ is found in every single run.

Holds for programs whose control flow does not depend on time, so queries are left out.
"""

from __future__ import annotations

import pytest
from test_schedule_exhaustive import ONE_TASK, POOL, TWO_TASKS, Plan, outcome_under, plans, program

from kvcheck.schedule import Eager, HostFirst, Reach, Reduction
from kvimpl.device.port.steps import Schedule
from kvimpl.device.sim import run

TIMELESS = tuple(verb for verb in ONE_TASK if verb != "query")


def is_flagged(plan: Plan, schedule: Schedule) -> bool:
    return bool(run(program(plan), schedule, plan.options).findings)


def test_every_schedule_dependent_outcome_is_found_in_any_one_run() -> None:
    differing = clean = 0
    for plan in plans(TIMELESS, 1, 8):
        reach, outcomes, _ = outcome_under(plan, Reduction.DPOR)
        if reach is not Reach.EXHAUSTED:
            continue
        flags = [is_flagged(plan, schedule) for schedule in (HostFirst(), Eager())]
        if len(outcomes) > 1:
            differing += 1
            assert all(flags), plan
        elif not any(flags):
            clean += 1
        if differing >= 30 and clean >= 15:
            break


@pytest.mark.parametrize(("verbs", "tasks"), [(POOL, 1), (TWO_TASKS, 2)])
def test_the_families_hold_programs_that_are_clean_and_programs_that_are_not(
    verbs: tuple[str, ...], tasks: int
) -> None:
    flags = [
        is_flagged(plan, HostFirst())
        for plan, _ in zip(plans(verbs, tasks, 4), range(40), strict=False)
    ]

    assert 4 <= sum(flags) <= 36
