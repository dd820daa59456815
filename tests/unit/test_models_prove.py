"""The quick designs are proved for every size here; `kvproof prove` proves them all."""

from __future__ import annotations

import pytest

from kvcheck.solve.every_size import EverySizeOptions, decide_every_size
from kvcheck.solve.obligations import proof_plan
from kvcheck.verdict import Evidence
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
}


@pytest.mark.parametrize(
    "name", ["stored", "copies", "staging-v1", "staging-v2", "objects", "fills", "locks"]
)
def test_every_obligation_is_proved_for_every_size(name):
    model = MACHINES[name].instance()
    unproved = [
        obligation.id
        for obligation in proof_plan(model).to_prove
        if decide_every_size(model, obligation, EverySizeOptions()).verdict.evidence
        is not Evidence.PROVED
    ]
    assert unproved == []


def test_no_obligation_has_vanished():
    assert {n: len(proof_plan(m.instance()).to_prove) for n, m in MACHINES.items()} == PLANS
