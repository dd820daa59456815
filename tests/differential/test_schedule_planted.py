"""Wrong explorations, each blind to one kind of conflict, lose an outcome that brute force sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from test_schedule_exhaustive import ONE_TASK, POOL, TWO_TASKS, Plan, outcome_under, plans

from kvcheck.schedule import Reach, Reduction, exhaustive
from kvcheck.schedule.races import Order
from kvimpl.device.sim.completions import Completions
from kvimpl.device.sim.heap import Heap
from kvimpl.device.sim.queues import Queues

Patch = pytest.MonkeyPatch
Family = tuple[tuple[str, ...], int, int]
CONFLICTING = Order._conflicting
PLANS_MAX = 150


def patching(target: object, name: str, value: object) -> Callable[[Patch], None]:
    return lambda patch: patch.setattr(target, name, value)


def _only_with_writers(self: Order, step: Any) -> list[int]:
    earlier = CONFLICTING(self, step)
    return [i for i in earlier if any(t.writes for t in self._steps[i].touches)]


def _never(*_: object) -> tuple[()]:
    return ()


PLANTED: dict[str, tuple[Callable[[Patch], None], Family]] = {
    "a query does not read completion": (
        patching(Completions, "_asking", _never),
        (ONE_TASK, 1, 6),
    ),
    "binding does not read the event or the tail": (
        patching(Completions, "variables", _never),
        (TWO_TASKS, 2, 2),
    ),
    "enqueuing does not write the tail": (patching(Queues, "tails", _never), (TWO_TASKS, 2, 2)),
    "pinned allocation reads no completion": (
        patching(Heap, "_allocating", _never),
        (POOL, 1, 7),
    ),
    "conflicts with earlier readers are not seen": (
        patching(Order, "_conflicting", _only_with_writers),
        (ONE_TASK, 1, 6),
    ),
    "who sleeps is never woken": (
        patching(exhaustive, "conflict", lambda left, right: False),
        (ONE_TASK, 1, 6),
    ),
    "the first to try is whoever went first": (
        patching(Order, "_firsts", lambda self, i, j: frozenset({self._steps[i].actor})),
        (ONE_TASK, 1, 6),
    ),
}


def loses_an_outcome(plan: Plan, truth: frozenset[object]) -> bool:
    return outcome_under(plan, Reduction.DPOR)[1] != truth


@pytest.mark.parametrize("wrong", PLANTED)
def test_a_blind_exploration_loses_an_outcome(wrong: str, monkeypatch: Patch) -> None:
    plant, (verbs, tasks, lines) = PLANTED[wrong]
    for plan, _ in zip(plans(verbs, tasks, lines), range(PLANS_MAX), strict=False):
        right = outcome_under(plan, Reduction.DPOR)
        if right[0] is not Reach.EXHAUSTED or len(right[1]) == 1:
            continue
        with monkeypatch.context() as patch:
            plant(patch)
            if loses_an_outcome(plan, right[1]):
                return
    pytest.fail(f"no program among {PLANS_MAX} tells: {wrong}")
