"""What a search says when it is cut short, has no compiler, or shares its cache: never too much."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from kvcheck.explore import (
    AfterViolation,
    Coverage,
    Deadlock,
    Engine,
    ExploreResult,
    LayoutError,
    Options,
    Progress,
    Stopped,
    explore,
    obligation_results,
)
from kvcheck.explore.host import memory_for_search
from kvcheck.explore.layout import layout_of
from kvcheck.explore.native import NoCompiler, find_compiler
from kvcheck.explore.options import Options as SearchOptions
from kvcheck.trace.path import FindingKind
from kvcheck.verdict import Evidence, Outcome, Verdict
from kvspec.lang import Model
from toys.buffer import Buffer, Overflowing, Stuck
from toys.peterson import Impatient, Peterson
from toys.philosophers import Table
from toys.switches import Ladder, Switches

try:
    find_compiler(None)
    HAS_COMPILER = True
except NoCompiler:
    HAS_COMPILER = False

needs_compiler = pytest.mark.skipif(not HAS_COMPILER, reason="no C compiler on the path")
engines = pytest.mark.parametrize(
    "engine", [Engine.PYTHON, pytest.param(Engine.COMPILED, marks=needs_compiler)]
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of compiled models for this file."""
    return tmp_path_factory.mktemp("cache")


def verdicts(result: ExploreResult) -> dict[str, Verdict]:
    """Verdicts by the obligation's last name."""
    return {r.id.split("/")[-1]: r.verdict for r in obligation_results(result)}


def built(model: Model, engine: Engine, cache: Path) -> Model:
    """The model, with its library in the cache, so that no limit falls on the compiler."""
    explore(model, Options(engine=engine, cache_dir=cache, depth_max=0))
    return model


# ---- cut short


@engines
def test_a_depth_limit_gives_bounded_evidence(engine: Engine, cache: Path) -> None:
    result = explore(Peterson.instance(), Options(engine=engine, cache_dir=cache, depth_max=4))
    assert (result.stopped, result.depth) == (Stopped.DEPTH, 4)
    verdict = verdicts(result)["one_inside"]
    assert (verdict.outcome, verdict.evidence) == (Outcome.HOLDS, Evidence.BOUNDED)
    assert verdict.bound.endswith("depth 4")


@engines
def test_a_depth_limit_beyond_the_last_level_is_exhaustion(engine: Engine, cache: Path) -> None:
    result = explore(Peterson.instance(), Options(engine=engine, cache_dir=cache, depth_max=7))
    assert result.complete
    assert verdicts(result)["one_inside"].evidence is Evidence.EXHAUSTED


@engines
def test_a_limit_of_states_is_inconclusive(engine: Engine, cache: Path) -> None:
    model = Switches.instance(N=16)
    result = explore(model, Options(engine=engine, cache_dir=cache, states_max=9_000))
    assert result.stopped is Stopped.STATES
    assert 9_000 <= result.states < 65_536
    verdict = verdicts(result)["all_on"]
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "limit of states" in verdict.reason


@engines
def test_no_time_means_partial_results(engine: Engine, cache: Path) -> None:
    model = built(Ladder.instance(LAST=2_000_000), engine, cache)
    ticks = iter(range(0, 10_000_000, 10))  # the second look at the clock is beyond the limit
    options = Options(
        engine=engine, cache_dir=cache, seconds_max=3, clock=lambda: float(next(ticks))
    )
    result = explore(model, options)
    assert result.stopped is Stopped.SECONDS
    assert 0 < result.states < 2_000_001
    assert result.depth == len(result.levels) - 1


@needs_compiler
def test_too_little_memory_is_said_and_keeps_what_was_found(cache: Path) -> None:
    options = Options(engine=Engine.COMPILED, cache_dir=cache, memory_max_bytes=4_000_000)
    result = explore(Buffer.instance(MARKS=5, PLACES=12), options)
    assert result.stopped is Stopped.MEMORY
    assert result.states > 50_000
    assert result.bytes_per_state * result.states < 5_000_000
    assert verdicts(result)["deadlock"].outcome is Outcome.INCONCLUSIVE


def test_python_stops_at_its_budget() -> None:
    options = Options(engine=Engine.PYTHON, python_states_max=5_000)
    result = explore(Switches.instance(N=16), options)
    assert result.stopped is Stopped.MEMORY
    assert result.engine_note


@engines
def test_an_interruption_keeps_what_was_found(engine: Engine, cache: Path) -> None:
    model = built(Ladder.instance(LAST=300_000), engine, cache)
    calls = iter([False, True])
    options = Options(engine=engine, cache_dir=cache)
    result = explore(model, options, interrupted=lambda: next(calls, True))
    assert result.stopped is Stopped.INTERRUPTED
    assert result.states > 0
    assert verdicts(result)["deadlock"].outcome is Outcome.INCONCLUSIVE


@engines
def test_ctrl_c_keeps_what_was_found(engine: Engine, cache: Path) -> None:
    def pressed() -> bool:
        raise KeyboardInterrupt

    options = Options(engine=engine, cache_dir=cache)
    result = explore(Ladder.instance(LAST=300_000), options, interrupted=pressed)
    assert result.stopped is Stopped.INTERRUPTED


@engines
def test_progress_tells_states_queue_and_depth(engine: Engine, cache: Path) -> None:
    model = built(Switches.instance(N=20), engine, cache)
    told: list[Progress] = []
    options = Options(engine=engine, cache_dir=cache, progress_seconds=0.0, seconds_max=1.0)
    explore(model, options, progress=told.append)
    assert told
    assert all(p.engine == engine.value and p.states >= p.depth for p in told)
    assert told[-1].states > told[0].states or len(told) == 1


# ---- what follows


@engines
def test_a_violation_is_violated_and_the_rest_is_not_called_safe(
    engine: Engine, cache: Path
) -> None:
    result = explore(Impatient.instance(), Options(engine=engine, cache_dir=cache))
    found = verdicts(result)
    assert found["one_inside"].outcome is Outcome.VIOLATED
    assert found["deadlock"].outcome is Outcome.INCONCLUSIVE


@engines
def test_searching_on_finds_the_shortest_run_of_each_violation(engine: Engine, cache: Path) -> None:
    options = Options(
        engine=engine, cache_dir=cache, after_violation=AfterViolation.CONTINUE, threads=2
    )
    result = explore(Overflowing.instance(MARKS=1, PLACES=2), options)
    assert result.complete
    assert [(f.finding.kind, len(f.finding.path.moves)) for f in result.findings] == [
        (FindingKind.ASSERTION, 3)
    ]
    assert verdicts(result)["deadlock"].evidence is Evidence.EXHAUSTED


@engines
def test_a_goal_never_reached_is_a_violation(engine: Engine, cache: Path) -> None:
    options = Options(engine=engine, cache_dir=cache)
    result = explore(Stuck.instance(MARKS=1, PLACES=1), options)
    assert result.goals_unreached == ("full",)
    assert verdicts(result)["full"].outcome is Outcome.VIOLATED
    assert result.actions_never_enabled == ("put", "take")


def test_what_is_not_asked_is_not_run() -> None:
    options = Options(engine=Engine.PYTHON, deadlock=Deadlock.IGNORE)
    result = explore(Table.instance(N=2), options)
    assert verdicts(result)["deadlock"].outcome is Outcome.NOT_RUN
    assert not result.findings


@engines
def test_conjuncts_are_counted_true_false_and_not_reached(engine: Engine, cache: Path) -> None:
    options = Options(engine=engine, cache_dir=cache, coverage=Coverage.ON)
    result = explore(Buffer.instance(MARKS=2, PLACES=2), options)
    counted = {(c.action, c.require.label): (c.true, c.false) for c in result.conjuncts}
    assert counted == {("put", "room"): (6, 8), ("take", "an item"): (6, 1)}
    two = explore(
        Peterson.instance(), Options(engine=engine, cache_dir=cache, coverage=Coverage.ON)
    )
    enter = [c for c in two.conjuncts if c.action == "enter"]
    assert [c.true + c.false + c.not_reached for c in enter] == [40, 40]
    assert enter[1].not_reached == enter[0].false > 0


# ---- compilers and caches


def test_without_a_compiler_python_does_it_all_and_says_why(tmp_path: Path) -> None:
    options = Options(engine=Engine.COMPILED, compiler="no-such-compiler", cache_dir=tmp_path)
    result = explore(Peterson.instance(), options)
    assert result.complete
    assert result.engine == "python"
    assert "no C compiler found (no-such-compiler)" in result.engine_note


@pytest.mark.parametrize("script", ["exit 1", "test $1 = --version && echo fake"])
def test_a_compiler_that_fails_is_named(tmp_path: Path, script: str) -> None:
    fake = tmp_path / "fakecc"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    options = Options(engine=Engine.COMPILED, compiler=str(fake), cache_dir=tmp_path / "c")
    result = explore(Peterson.instance(), options)
    assert result.complete
    assert result.engine == "python"
    assert "fakecc" in result.engine_note
    assert not list((tmp_path / "c").glob("*")) or not (tmp_path / "c").exists()


@needs_compiler
def test_a_compiled_model_is_kept_and_used_again(tmp_path: Path) -> None:
    options = Options(engine=Engine.COMPILED, cache_dir=tmp_path)
    explore(Peterson.instance(), options)
    (kept,) = tmp_path.iterdir()
    written = kept.stat().st_mtime_ns
    explore(Peterson.instance(), options)
    assert [p.name for p in tmp_path.iterdir()] == [kept.name]
    assert kept.stat().st_mtime_ns == written


@needs_compiler
def test_a_broken_library_in_the_cache_is_built_again(tmp_path: Path) -> None:
    options = Options(engine=Engine.COMPILED, cache_dir=tmp_path)
    explore(Peterson.instance(), options)
    (kept,) = tmp_path.iterdir()
    damaged = kept.read_bytes()[:-1] + b"?"
    kept.unlink()  # the running process still has the old one mapped
    kept.write_bytes(damaged)
    again = explore(Peterson.instance(), options)
    assert again.engine == "compiled"
    assert again.complete
    (built_again,) = tmp_path.iterdir()
    assert built_again.read_bytes() != damaged


@needs_compiler
def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    result = explore(
        Peterson.instance(), Options(engine=Engine.COMPILED, cache_dir=blocked / "below")
    )
    assert result.engine == "compiled"
    assert os.listdir(tmp_path) == ["file"]


@needs_compiler
def test_auto_hands_over_to_the_compiled_engine(cache: Path) -> None:
    model = Buffer.instance(MARKS=4, PLACES=9)
    result = explore(model, Options(cache_dir=cache))
    assert result.engine == "compiled"
    assert result.states == sum(4**k for k in range(10))


# ---- size


def too_large() -> Model:
    """A buffer of more bits than the engine holds."""
    return Buffer.instance(MARKS=200, PLACES=900)


def test_a_state_that_is_too_large_is_refused_with_the_size_to_reduce() -> None:
    with pytest.raises(LayoutError, match="items") as caught:
        layout_of(too_large())
    assert "PLACES=900" in str(caught.value)
    assert str(caught.value).count(". ") == 2


def test_a_state_that_is_too_large_is_left_to_python() -> None:
    options = SearchOptions(engine=Engine.COMPILED, depth_max=1)
    result = explore(too_large(), options)
    assert result.engine == "python"
    assert "A state of Buffer takes" in result.engine_note
    assert result.states == 201


def test_a_containers_memory_limit_counts_like_the_machines(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 900 kB\nMemAvailable: 800 kB\n")
    assert memory_for_search(meminfo=meminfo, cgroup=tmp_path) == 600 * 1024
    (tmp_path / "memory.max").write_text("500000\n")
    (tmp_path / "memory.current").write_text("100000\n")
    assert memory_for_search(meminfo=meminfo, cgroup=tmp_path) == 300_000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory_for_search(meminfo=meminfo, cgroup=tmp_path) == 600 * 1024


@needs_compiler
def test_an_interruption_while_the_compiler_runs_ends_the_wait() -> None:
    options = Options(engine=Engine.COMPILED)
    result = explore(Peterson.instance(), options, interrupted=lambda: True)
    assert result.stopped is Stopped.INTERRUPTED
    assert result.states == 0
    assert verdicts(result)["one_inside"].outcome is Outcome.INCONCLUSIVE
