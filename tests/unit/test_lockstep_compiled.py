"""The compiled steps mean what the concrete evaluator says, in every state of random walks."""

from __future__ import annotations

import random

from kvcheck.lockstep.compiled import compiled
from kvspec.lang.concrete import Disabled, Failed, Stepped, arguments_of, initial_states, step
from kvspec.models.tiers import TieredPool


def test_compiled_steps_agree_with_the_concrete_evaluator() -> None:
    model = TieredPool.instance(P=1, S=2, R=2, K=2, T=2)
    made, rng = compiled(model), random.Random(0)
    state = initial_states(model)[0]
    for _ in range(60):
        successors = []
        for action in model.actions:
            for arguments in arguments_of(action):
                got = made.steps[action.name](state, arguments)
                match step(model, state, action, arguments):
                    case Stepped(state=after):
                        assert got == after
                        successors.append(after)
                    case Disabled(require=check) | Failed(check=check):
                        assert isinstance(got, int)
                        assert made.checks[got] == check
        state = rng.choice(successors)
