"""The designs hold everywhere they can get to, and the sizes of their spaces are known exactly."""

from __future__ import annotations

import pytest

from kvcheck.explore import Coverage, Engine, Options, explore
from kvspec.models import MACHINES

# machine, sizes, distinct states, transitions, steps to the farthest state
SPACES = [
    ("tiers", {"P": 1, "S": 1}, 96, 336, 17),
    ("tiers", {"P": 2, "S": 1}, 3_168, 18_432, 21),
    ("tiers", {"P": 2, "S": 2, "PINS": 0, "REFS": 1}, 6_912, 24_576, 27),
    ("offload", {}, 696, 1_152, 48),
    ("stored", {"P": 1, "S": 1}, 544, 6_528, 12),
    ("retention", {}, 3_744, 37_416, 6),
    ("pins", {}, 468, 2_400, 12),
    ("window", {}, 444, 3_544, 9),
    ("copies", {"W": 2, "S": 3}, 4_226, 6_243, 8),
    ("staging-v1", {}, 6_100, 31_868, 12),
    ("staging-v1", {"B": 1, "D": 2}, 1_132, 5_956, 12),
    ("staging-v2", {}, 4_326, 21_872, 13),
    ("staging-v2", {"R": 1, "D": 2}, 5_140, 25_890, 12),
    ("staging-v2", {"R": 1, "S": 2}, 51_984, 262_904, 19),
    ("objects", {}, 8_192, 77_312, 16),
    ("fills", {}, 1_101, 3_848, 10),
    ("locks", {}, 37, 106, 4),
    ("remote", {"P": 1, "S": 1}, 11_809, 41_078, 54),
]
DEFAULTS = [
    ("tiers", 81_792, 568_704, 29),
    ("stored", 29_568, 620_928, 19),
    ("copies", 30_698, 55_804, 11),
]
SMALLER = {
    "tiers": {"P": 1, "S": 1},
    "stored": {"P": 1, "S": 1},
    "copies": {"W": 2, "S": 2},
    "remote": {"P": 1, "S": 1},
}


def searched(name, sizes, engine, states_max=0):
    options = Options(engine=engine, coverage=Coverage.ON, states_max=states_max)
    return explore(MACHINES[name].instance(**sizes), options)


@pytest.mark.parametrize(("name", "sizes", "states", "transitions", "depth"), SPACES)
def test_a_small_space_is_searched_whole_and_clean(name, sizes, states, transitions, depth):
    result = searched(name, sizes, Engine.PYTHON)
    assert result.complete
    assert result.findings == ()
    assert (result.states, result.transitions, result.depth) == (states, transitions, depth)


@pytest.mark.parametrize(("name", "states", "transitions", "depth"), DEFAULTS)
def test_a_default_space_is_searched_whole_and_clean(name, states, transitions, depth):
    result = searched(name, {}, Engine.AUTO)
    assert result.complete
    assert result.findings == ()
    assert (result.states, result.transitions, result.depth) == (states, transitions, depth)


def test_every_machine_has_a_known_space():
    assert {name for name, *_ in SPACES} == set(MACHINES)


@pytest.mark.parametrize("name", [n for n in MACHINES if n not in SMALLER])
def test_every_action_and_goal_is_reached_at_default_sizes(name):
    result = searched(name, {}, Engine.PYTHON)
    assert result.goals_unreached == ()
    assert result.actions_never_enabled == ()


@pytest.mark.parametrize(("name", "sizes"), SMALLER.items())
def test_every_action_and_goal_is_reached_at_smaller_sizes(name, sizes):
    result = searched(name, sizes, Engine.PYTHON)
    assert result.goals_unreached == ()
    assert result.actions_never_enabled == ()


COVERING = {
    "tiers": ({"P": 1, "S": 1, "R": 2}, {"P": 2, "S": 2, "PINS": 0, "REFS": 1}),
    "copies": ({"W": 2, "S": 1},),
    "offload": ({"P": 1, "S": 1}, {"P": 1, "S": 0}),
    "retention": ({"P": 1, "S": 1}, {"P": 1, "S": 0}),
    "stored": ({"P": 1, "S": 1},),
    "remote": ({"P": 1, "S": 2, "REFS": 1}, {"P": 2, "S": 1, "REFS": 1}),
}
# Every conjunct of the design with threads has been both true and false after so many states.
LONG_ENOUGH = 70_000
# Only the scheduler keeps the lock over a step, and it never waits for itself; in its variants a
# reader keeps it too, and then the same conjunct is false (s3-7-relock).
NEVER_FALSE = {
    f"scheduler__{place}: the lock is free" for place in ("start", "idle", "sent", "coming")
}


@pytest.mark.parametrize("name", list(MACHINES))
def test_every_guard_conjunct_is_sometimes_true_and_sometimes_false(name):
    trues, falses, every = set(), set(), set()
    for sizes in COVERING.get(name, ({},)):
        for count in searched(name, sizes, Engine.AUTO, LONG_ENOUGH).conjuncts:
            conjunct = f"{count.action}: {count.require.label}"
            every.add(conjunct)
            trues |= {conjunct} if count.true else set()
            falses |= {conjunct} if count.false else set()
    assert trues == every
    assert falses == every - NEVER_FALSE


def test_a_size_of_zero_switches_pins_off():
    result = searched("tiers", {"P": 1, "S": 1, "PINS": 0, "REFS": 1}, Engine.PYTHON)
    assert set(result.actions_never_enabled) == {"pin", "unpin"}
