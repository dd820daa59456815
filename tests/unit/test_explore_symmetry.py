"""Counting states up to renaming: against brute force, and against the search without it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product
from pathlib import Path

import pytest

from kvcheck.explore import Engine, Options, Symmetry, explore
from kvcheck.explore.interchange import interchange_of
from kvcheck.explore.native import NoCompiler, find_compiler
from kvcheck.explore.symmetry import Renaming
from kvcheck.explore.symmetry import Symmetry as Reduction
from kvspec.lang import Model
from kvspec.lang.concrete import Stepped, arguments_of, initial_states, step
from kvspec.lang.state import State
from toys.buffer import Buffer
from toys.deck import Deck
from toys.philosophers import Table
from toys.rooms import Rooms, Wanderers
from toys.switches import Switches

TOYS = [
    Deck.instance(CARDS=4),
    Buffer.instance(MARKS=3, PLACES=3),
    Switches.instance(N=5),
    Rooms.instance(GUESTS=3, ROOMS=3, KEYS=2),
    Wanderers.instance(GUESTS=3, ROOMS=3),
]


def reachable(model: Model) -> set[State]:
    """All states, by the concrete evaluator."""
    seen = set(initial_states(model))
    queue = list(seen)
    for state in queue:
        for action in model.actions:
            for arguments in arguments_of(action):
                outcome = step(model, state, action, arguments)
                if isinstance(outcome, Stepped) and outcome.state not in seen:
                    seen.add(outcome.state)
                    queue.append(outcome.state)
    return seen


def renamings(model: Model) -> Iterator[Renaming]:
    """Every renaming that the interchange permits, by brute force."""
    interchange = interchange_of(model)
    choices = []
    for classes in interchange.classes.values():
        ids = range(len(classes))
        choices.append(
            [p for p in permutations(ids) if all(classes[k] == classes[p[k]] for k in ids)]
        )
    for chosen in product(*choices):
        renaming = dict(zip(interchange.classes, chosen, strict=True))
        for sort, (leader, table) in interchange.follows.items():
            renaming[sort] = tuple(table.index(renaming[leader][k]) for k in table)
        yield renaming


@pytest.mark.parametrize("model", TOYS, ids=lambda m: m.name)
def test_representatives_are_the_orbits_of_the_reachable_states(model: Model) -> None:
    reduction = Reduction(model, interchange_of(model))
    group = list(renamings(model))
    orbits = {min(reduction.renamed(s, g) for g in group) for s in reachable(model)}
    result = explore(model, Options(engine=Engine.PYTHON, symmetry=Symmetry.ON))
    assert result.symmetry
    assert result.complete
    assert result.states == len(orbits)
    assert len(orbits) < len(reachable(model))


@pytest.mark.parametrize("model", TOYS, ids=lambda m: m.name)
def test_every_renaming_of_a_state_is_permitted_and_undone(model: Model) -> None:
    reduction = Reduction(model, interchange_of(model))
    for state in sorted(reachable(model))[:60]:
        representative, there = reduction.canonical(state)
        assert reduction.renamed(state, there) == representative
        assert there in list(renamings(model))


@pytest.mark.parametrize("model", TOYS, ids=lambda m: m.name)
def test_both_engines_count_the_same_representatives(model: Model, tmp_path: Path) -> None:
    try:
        find_compiler(None)
    except NoCompiler as error:
        pytest.skip(str(error))
    python = explore(model, Options(engine=Engine.PYTHON, symmetry=Symmetry.ON))
    compiled = explore(
        model, Options(engine=Engine.COMPILED, symmetry=Symmetry.ON, cache_dir=tmp_path)
    )
    assert compiled.engine == "compiled"
    assert python.levels == compiled.levels
    assert python.transitions == compiled.transitions
    assert [f.finding for f in python.findings] == [f.finding for f in compiled.findings]
    assert [w.finding for w in python.witnesses] == [w.finding for w in compiled.witnesses]


@pytest.mark.parametrize("model", TOYS, ids=lambda m: m.name)
def test_verdicts_and_lengths_are_those_of_the_whole_search(model: Model) -> None:
    whole = explore(model, Options(engine=Engine.PYTHON))
    less = explore(model, Options(engine=Engine.PYTHON, symmetry=Symmetry.ON))
    assert whole.stopped is less.stopped
    for one, other in ((whole.findings, less.findings), (whole.witnesses, less.witnesses)):
        assert [(f.finding.name, len(f.states)) for f in one] == [
            (f.finding.name, len(f.states)) for f in other
        ]
    assert whole.goals_unreached == less.goals_unreached


def test_a_constant_that_orders_its_sort_leaves_it_alone() -> None:
    result = explore(Table.instance(N=3), Options(engine=Engine.PYTHON, symmetry=Symmetry.ON))
    assert not result.symmetry
    assert "constant right" in result.symmetry_note
    assert result.findings[0].finding.kind.value == "deadlock"


def test_a_next_with_two_witnesses_turns_symmetry_off() -> None:
    model = Wanderers.instance(GUESTS=3, ROOMS=3, CAREFUL=0)
    result = explore(model, Options(engine=Engine.PYTHON, symmetry=Symmetry.ON))
    assert not result.symmetry
    assert "several witnesses" in result.symmetry_note
    whole = explore(model, Options(engine=Engine.PYTHON))
    assert result.states == whole.states


def test_a_linked_sort_goes_along() -> None:
    interchange = interchange_of(Rooms.instance(GUESTS=3, ROOMS=3, KEYS=2))
    assert interchange.follows == {"Key": ("Room", (0, 2))}
    assert interchange.classes["Room"] == (1, 0, 1)
