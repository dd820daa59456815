"""The traced model of a machine does what the machine's own Python does, step by step."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from every_construct import EveryConstruct

from kvspec.lang.concrete import (
    Disabled,
    Failed,
    Stepped,
    arguments_of,
    holds,
    initial_states,
    step,
)
from kvspec.lang.ir import PropertyKind
from kvspec.lang.native import Natives, NativeWalk

MODEL = EveryConstruct.instance()
STATE_PROPERTIES = [p for p in MODEL.properties if p.kind is not PropertyKind.ASSUMPTION]


def walk(seed: int, length: int) -> Counter[tuple[str, str]]:
    """One random walk; counts (action, how it ended) and asserts that both readings agree."""
    chooser = random.Random(seed)
    native = NativeWalk(Natives(EveryConstruct, MODEL), start=(seed % 2,))
    state = native.state()
    assert state in initial_states(MODEL)
    moves = [(a, x) for a in MODEL.actions for x in arguments_of(a)]
    ended: Counter[tuple[str, str]] = Counter()
    for _ in range(length):
        action, arguments = chooser.choice(moves)
        traced = step(MODEL, state, action, arguments)
        run = native.take(action, arguments)
        ended[action.name, type(traced).__name__] += 1
        match traced:
            case Stepped(state=after):
                assert run.state == after, (action.name, arguments)
                state = after
            case Disabled(require=conjunct):
                assert run.refused
                assert conjunct.label.startswith(run.refused)
            case Failed(check=check):
                assert run.failed, (action.name, check.message)
        assert [native.holds(p) for p in STATE_PROPERTIES] == [
            holds(MODEL, p, state) for p in STATE_PROPERTIES
        ]
    return ended


@pytest.mark.parametrize("seed", range(6))
def test_native_and_traced_steps_agree_on_random_walks(seed: int) -> None:
    assert sum(walk(seed, 150).values()) == 150


def test_the_walks_take_every_action_and_see_refusals_and_failures() -> None:
    ended: Counter[tuple[str, str]] = Counter()
    for seed in range(40, 52):
        ended += walk(seed, 150)

    taken = {name for name, how in ended if how == "Stepped"}
    assert taken == {a.name for a in MODEL.actions}
    assert {"Disabled", "Failed"} <= {how for _, how in ended}
