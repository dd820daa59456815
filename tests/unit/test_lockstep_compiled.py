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


def test_a_step_writes_no_other_rows_and_cells_than_it_is_said_to() -> None:
    model = TieredPool.instance(P=2, S=2, R=2, K=2, T=2)
    made, rng = compiled(model), random.Random(1)
    state, wrote = initial_states(model)[0], set[tuple[str, int]]()
    for _ in range(200):
        action = rng.choice(model.actions)
        arguments = rng.choice(list(arguments_of(action)))
        after = made.steps[action.name](state, arguments)
        if isinstance(after, int):
            continue
        for number, (old, new) in enumerate(zip(state, after, strict=True)):
            if number not in made.written[action.name]:
                assert new is old
                continue
            place = made.written[action.name][number]
            cells = {n for n, (was, now) in enumerate(zip(old, new, strict=True)) if was != now}
            if place is not None and cells:
                assert cells == {arguments[place]}
                wrote.add((action.name, number))
        state = after
    assert {("release", 1), ("commit", 4), ("pin", 3)} <= wrote
    assert made.written["onboard"][0] is None  # slots: of the block and of its room
