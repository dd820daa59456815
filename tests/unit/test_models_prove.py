"""The quick designs are proved for every size here; `kvproof prove` proves them all."""

from __future__ import annotations

from collections import defaultdict

import pytest

from kvcheck.solve.every_size import EverySizeEngine, EverySizeOptions
from kvcheck.solve.obligations import proof_plan
from kvcheck.solve.parallel import Task
from kvcheck.verdict import Outcome
from kvspec.models import MACHINES

# machine, obligations that its plan has (an obligation that vanishes is as bad as one that fails)
PLANS = {
    "tiers": 124,
    "offload": 144,
    "stored": 14,
    "retention": 67,
    "pins": 64,
    "window": 37,
    "copies": 50,
    "staging-v1": 58,
    "staging-v2": 69,
    "objects": 79,
    "fills": 5,
    "locks": 13,
    "remote": 239,
}
QUICK = ("stored", "copies", "staging-v1", "staging-v2", "objects", "fills", "locks", "remote")


@pytest.mark.parametrize("name", QUICK)
def test_every_obligation_is_proved_for_every_size(name):
    model = MACHINES[name].instance()
    goals = defaultdict(list)
    for goal in proof_plan(model).to_prove:
        goals[goal.action].append(goal)
    answers = [
        answer
        for action, mine in goals.items()
        for answer in EverySizeEngine(EverySizeOptions()).answers(Task(model, action, tuple(mine)))
    ]
    assert [a.obligation.id for a in answers if a.outcome is not Outcome.HOLDS] == []
    assert len(answers) == PLANS[name]


def test_no_obligation_has_vanished():
    assert {n: len(proof_plan(m.instance()).to_prove) for n, m in MACHINES.items()} == PLANS
