"""Toy machines with known answers: counts, depths and verdicts, exactly, in both engines."""

from __future__ import annotations

from math import comb
from pathlib import Path

import pytest

from kvcheck.explore import Deadlock, Engine, ExploreResult, Options, Stopped, explore
from kvcheck.explore.native import NoCompiler, find_compiler
from kvspec.lang import Model
from toys.buffer import Buffer, Overflowing
from toys.peterson import Impatient, Peterson
from toys.philosophers import Polite, Table
from toys.switches import Countdown, Ladder, Switches

ENGINES = [Engine.PYTHON, Engine.COMPILED]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of compiled models for this file."""
    return tmp_path_factory.mktemp("cache")


def search(model: Model, engine: Engine, cache: Path, **limits: int) -> ExploreResult:
    """A search with one engine; skips where there is no compiler."""
    if engine is Engine.COMPILED:
        try:
            find_compiler(None)
        except NoCompiler as error:
            pytest.skip(str(error))
    result = explore(model, Options(engine=engine, cache_dir=cache, threads=2, **limits))
    assert result.engine == engine.value
    return result


def finding(result: ExploreResult) -> tuple[str, str, int]:
    """Kind, name and length of the first finding."""
    first = result.findings[0].finding
    return first.kind.value, first.name, len(first.path.moves)


@pytest.mark.parametrize("engine", ENGINES)
def test_peterson_excludes_in_all_of_its_states(engine: Engine, cache: Path) -> None:
    result = search(Peterson.instance(), engine, cache)
    assert result.complete
    assert not result.findings
    assert (result.states, result.transitions, result.depth) == (20, 34, 6)
    assert [w.finding.name for w in result.witnesses] == ["right_gets_in"]
    assert len(result.witnesses[0].finding.path.moves) == 3


@pytest.mark.parametrize("engine", ENGINES)
def test_impatient_processes_meet_after_six_steps(engine: Engine, cache: Path) -> None:
    result = search(Impatient.instance(), engine, cache)
    assert result.stopped is Stopped.VIOLATION
    assert finding(result) == ("invariant", "one_inside", 6)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("marks", "places"), [(2, 3), (3, 4), (5, 3), (1, 7)])
def test_a_buffer_has_a_geometric_series_of_states(
    engine: Engine, cache: Path, marks: int, places: int
) -> None:
    result = search(Buffer.instance(MARKS=marks, PLACES=places), engine, cache)
    assert result.levels == tuple(marks**k for k in range(places + 1))
    assert result.complete
    puts = sum(marks**k for k in range(1, places + 1))
    assert result.transitions == 2 * puts  # each content but the empty one is put and taken


@pytest.mark.parametrize("engine", ENGINES)
def test_a_push_on_a_full_buffer_fails_in_its_action(engine: Engine, cache: Path) -> None:
    result = search(Overflowing.instance(MARKS=2, PLACES=3), engine, cache)
    assert finding(result) == ("assertion", "put", 4)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("count", "states"), [(2, 6), (3, 14), (4, 34)])
def test_philosophers_with_left_forks_starve(
    engine: Engine, cache: Path, count: int, states: int
) -> None:
    result = search(Table.instance(N=count), engine, cache)
    assert finding(result) == ("deadlock", "deadlock", count)
    whole = explore(
        Table.instance(N=count),
        Options(engine=engine, cache_dir=cache, deadlock=Deadlock.IGNORE),
    )
    assert whole.complete
    assert whole.states == states


@pytest.mark.parametrize("engine", ENGINES)
def test_polite_philosophers_do_not_starve(engine: Engine, cache: Path) -> None:
    result = search(Polite.instance(N=3), engine, cache)
    assert result.complete
    assert not result.findings
    assert not result.actions_never_enabled


@pytest.mark.parametrize("engine", ENGINES)
def test_sixteen_switches_have_65536_states(engine: Engine, cache: Path) -> None:
    result = search(Switches.instance(N=16), engine, cache)
    assert result.states == 65_536
    assert result.levels == tuple(comb(16, k) for k in range(17))
    assert result.transitions == 16 * 65_536


@pytest.mark.parametrize("engine", ENGINES)
def test_a_ladder_is_as_deep_as_it_is_long(engine: Engine, cache: Path) -> None:
    result = search(Ladder.instance(LAST=300), engine, cache)
    assert finding(result) == ("deadlock", "deadlock", 300)
    assert (result.states, result.depth) == (301, 300)
    assert len(result.witnesses[0].finding.path.moves) == 300


@pytest.mark.parametrize("engine", ENGINES)
def test_a_state_of_all_zeros_is_found_like_any_other(engine: Engine, cache: Path) -> None:
    result = search(Countdown.instance(LAST=7), engine, cache)
    assert result.states == 8
    assert not result.goals_unreached
