"""Every design and every bug runs as ordinary Python exactly as its traced model does."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from kvspec.bugs import BUGS
from kvspec.lang.concrete import Disabled, Failed, Stepped, arguments_of, holds, step
from kvspec.lang.ir import PropertyKind
from kvspec.lang.native import Natives, NativeWalk
from kvspec.models import MACHINES

STEPS = 50
SUBJECTS = {
    **{name: (machine, {}) for name, machine in MACHINES.items()},
    **{bug.id: (bug.machine, dict(bug.sizes)) for bug in BUGS.values()},
}


def walk(machine, sizes, seed):
    """One random walk, mostly of enabled moves; counts how steps ended."""
    model = machine.instance(**sizes)
    chooser = random.Random(seed)
    native = NativeWalk(Natives(machine, model))
    state = native.state()
    facts = [p for p in model.properties if p.kind is not PropertyKind.ASSUMPTION]
    moves = [(a, x) for a in model.actions for x in arguments_of(a)]
    ended: Counter[str] = Counter()
    for number in range(STEPS):
        action, arguments = chooser.choice(moves)
        if number % 3:
            enabled = [m for m in moves if isinstance(step(model, state, *m), Stepped)]
            action, arguments = chooser.choice(enabled or moves)
        traced = step(model, state, action, arguments)
        run = native.take(action, arguments)
        ended[type(traced).__name__] += 1
        match traced:
            case Stepped(state=after):
                assert run.state == after, (action.name, arguments)
                state = after
            case Disabled(require=conjunct):
                assert conjunct.label.startswith(run.refused), (action.name, arguments)
                assert run.refused
            case Failed(check=check):
                assert run.failed, (action.name, check.message)
        assert [native.holds(p) for p in facts] == [holds(model, p, state) for p in facts]
    return ended


@pytest.mark.parametrize("subject", list(SUBJECTS))
def test_native_and_traced_steps_agree(subject):
    machine, sizes = SUBJECTS[subject]
    ended = walk(machine, sizes, seed=len(subject))
    assert ended.total() == STEPS
    assert ended["Stepped"] > 0


def test_the_walks_of_designs_see_refusals_and_no_failure():
    ended = sum((walk(m, {}, seed=7) for m in MACHINES.values()), Counter())
    assert ended["Disabled"] > 0
    assert ended["Failed"] == 0
