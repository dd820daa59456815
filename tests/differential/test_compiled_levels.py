"""Concrete, Python and compiled searches agree on every state of every level and on failures."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from drawn_machines import drawn_machine
from every_construct import EveryConstruct

from kvcheck.explore.cgen import source_of
from kvcheck.explore.claim import Claim, Searched
from kvcheck.explore.csearch import CSearch
from kvcheck.explore.layout import layout_of
from kvcheck.explore.native import Build, NoCompiler, find_compiler
from kvcheck.explore.options import AfterViolation, Options
from kvcheck.explore.pygen import generate
from kvcheck.explore.pysearch import PySearch
from kvcheck.explore.sites import sites_of
from kvspec.lang.concrete import Disabled, Failed, arguments_of, holds, initial_states, step
from kvspec.lang.ir import Model, PropertyKind
from kvspec.lang.state import State
from toys.buffer import Buffer, Overflowing
from toys.deck import Deck
from toys.peterson import Impatient
from toys.philosophers import Table

SEARCH_ON = Options(after_violation=AfterViolation.CONTINUE, depth_max=6, threads=2)


@dataclass
class Seen:
    """What a search saw: its levels, each kind of violation with its level, and its counts."""

    levels: list[set[State]]
    transitions: int = 0
    enabled: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    ends: set[tuple[str, int, int, State]] = field(default_factory=set)


def concrete(model: Model, depth_max: int) -> Seen:
    """The slow evaluator, level by level."""
    seen = Seen([set(initial_states(model))], enabled=[0] * len(model.actions))
    known = set(seen.levels[0])
    while seen.levels[-1] and len(seen.levels) <= depth_max:
        fresh: set[State] = set()
        for state in seen.levels[-1]:
            for number, action in enumerate(model.actions):
                for arguments in arguments_of(action):
                    outcome = step(model, state, action, arguments)
                    seen.enabled[number] += not isinstance(outcome, Disabled)
                    if not isinstance(outcome, Disabled | Failed):
                        seen.transitions += 1
                        fresh.add(outcome.state)
        seen.levels.append(fresh - known)
        known |= fresh
    while not seen.levels[-1]:
        seen.levels.pop()
    return seen


def claimed(claims: tuple[Claim, ...]) -> set[tuple[str, int, int, State]]:
    """Kind, number, level and state of what was found."""
    return {(c.kind.value, c.number, len(c.chain), c.chain[-1]) for c in claims}


def in_python(model: Model, options: Options = SEARCH_ON, *, counted: bool) -> Seen:
    """The Python engine."""
    sites = sites_of(model)
    code = generate(model, sites, counted=counted)
    starts = list(initial_states(model))
    search = PySearch(code, sites, options, starts, ask=lambda t, q: None, canonical=None)
    done = search.run()
    levels: list[set[State]] = [set() for _ in done.tally.levels]
    depths: dict[State, int] = {}
    for state, before in search.parents.items():
        depths[state] = 0 if before is None else depths[before] + 1
        levels[depths[state]].add(state)
    return summary(done, levels)


def compiled(model: Model, folder: Path, options: Options = SEARCH_ON, *, counted: bool) -> Seen:
    """The compiled engine."""
    sites, layout = sites_of(model), layout_of(model)
    source = source_of(layout, sites, counted=counted)
    try:
        build = Build(source, find_compiler(None), folder)
    except NoCompiler as error:
        pytest.skip(str(error))
    try:
        search = CSearch(build.library(), layout, sites, options)
        done = search.run(list(initial_states(model)), lambda t, q: None)
        levels = [search.level_states(k) for k in range(len(done.tally.levels))]
        assert [len(level) for level in levels] == [len(set(level)) for level in levels]
        search.close()
    finally:
        build.close()
    return summary(done, [set(level) for level in levels])


def summary(done: Searched, levels: list[set[State]]) -> Seen:
    """A search's end, comparable."""
    tally = done.tally
    assert tally.levels == [len(level) for level in levels]
    assert tally.states == sum(tally.levels)
    ends = claimed(done.violations) | claimed(done.goals)
    return Seen(levels, tally.transitions, tally.enabled, tally.counts, ends)


def first_violations(model: Model, seen: Seen) -> set[tuple[str, int, int, State]]:
    """The invariants' part of `ends`, from the concrete levels."""
    ends = set()
    invariants = model.of_kind(PropertyKind.INVARIANT, PropertyKind.LEMMA)
    for number, prop in enumerate(invariants):
        for depth, level in enumerate(seen.levels, 1):
            bad = [s for s in level if not holds(model, prop, s)]
            if bad:
                ends.add(("invariant", number, depth, min(bad)))
                break
    return ends


def agree(model: Model, folder: Path, depth_max: int = 6) -> None:
    """All three searches see the same."""
    options = replace(SEARCH_ON, depth_max=depth_max)
    slow, python = concrete(model, depth_max), in_python(model, options, counted=False)
    fast = compiled(model, folder, options, counted=False)
    assert slow.levels == python.levels == fast.levels
    assert slow.transitions == python.transitions == fast.transitions
    assert slow.enabled == python.enabled == fast.enabled
    assert python.ends == fast.ends
    assert {e for e in python.ends if e[0] == "invariant"} == first_violations(model, slow)
    counted = (
        in_python(model, options, counted=True),
        compiled(model, folder, options, counted=True),
    )
    assert counted[0].counts == counted[1].counts
    assert counted[0].levels == counted[1].levels == slow.levels


@pytest.mark.parametrize("seed", range(6))
def test_drawn_machines_have_one_state_space(seed: int, tmp_path: Path) -> None:
    agree(drawn_machine(seed), tmp_path)


@pytest.mark.parametrize(
    ("model", "depth_max"),
    [
        (EveryConstruct.instance(B=2, W=1, N=1), 6),
        (Buffer.instance(MARKS=2, PLACES=3, MOST=2), 20),
        (Buffer.instance(MARKS=2, PLACES=70), 6),  # a queue wider than a word
        (Overflowing.instance(MARKS=2, PLACES=2), 6),
        (Impatient.instance(), 20),
        (Table.instance(N=3), 20),
        (Deck.instance(CARDS=4), 20),
        (Deck.instance(CARDS=17), 3),  # edited in the middle and wider than a word
        (Deck.instance(CARDS=66), 2),  # a set wider than a word
    ],
    ids=lambda x: f"{x.name}{x.sizes}" if isinstance(x, Model) else "",
)
def test_small_machines_have_one_state_space(model: Model, depth_max: int, tmp_path: Path) -> None:
    agree(model, tmp_path, depth_max)


def test_threads_change_nothing_that_is_reported(tmp_path: Path) -> None:
    model = EveryConstruct.instance(B=2, W=2, N=1)
    one, *more = (
        compiled(model, tmp_path, replace(SEARCH_ON, threads=n), counted=False) for n in (1, 2, 4)
    )
    assert all(other == one for other in more)


def test_a_queue_wider_than_a_word_is_spread_and_survives_packing() -> None:
    layout = layout_of(Buffer.instance(MARKS=9, PLACES=40))
    assert any(piece.spread for piece in layout.pieces.values())
    for contents in itertools.product(range(9), repeat=2):
        state: State = ((contents * 20,), (0,))
        assert layout.unpack(layout.pack(state)) == state
