"""Each known bug of staging is seen at the orders that it names, and the right stagings never."""

from __future__ import annotations

from pathlib import Path

import pytest

import kvimpl.bugs.staging
import kvspec.bugs
from kvcheck.fuzz.staging import RIGHT, Build, Sign, drawn, every_order, judged
from kvcheck.schedule import Budget, Eager, HostFirst, Random, Reach
from kvimpl.bugs.staging import STAGING_BUGS, Shows

CASE = drawn(1, 3)
SEEDS = 300


RACY = frozenset({Sign.FINDING, Sign.PAYLOAD})
RACE = frozenset({Sign.FINDING})
STALE = frozenset({Sign.READERS})
CLEAN: frozenset[Sign] = frozenset()


def shows(name: str) -> Shows:
    return STAGING_BUGS[name].shows


@pytest.mark.parametrize("name", STAGING_BUGS)
def test_a_late_and_a_prompt_device_show_what_the_bug_says(name: str) -> None:
    late = judged(STAGING_BUGS[name].build, CASE, HostFirst()).signs
    prompt = judged(STAGING_BUGS[name].build, CASE, Eager()).signs

    assert (late, prompt) == {
        Shows.ANY_RUN: (RACY, RACE),
        Shows.LATE_DEVICE: (RACY, CLEAN),
        Shows.PROMPT_DEVICE: (CLEAN, RACE),
        Shows.READERS: (STALE, STALE),
    }[shows(name)]


@pytest.mark.parametrize("name", STAGING_BUGS)
def test_every_order_shows_each_bug_and_only_those_that_ask_the_device_hide(name: str) -> None:
    explored = every_order(STAGING_BUGS[name].build, CASE, Budget(runs=2_000))

    hides = shows(name) in (Shows.LATE_DEVICE, Shows.PROMPT_DEVICE)
    assert explored.reach is Reach.EXHAUSTED
    assert any(explored.outcomes)
    assert (CLEAN in explored.outcomes) == hides


@pytest.mark.parametrize(
    "name", [name for name in STAGING_BUGS if shows(name) in (Shows.ANY_RUN, Shows.READERS)]
)
@pytest.mark.parametrize("seed", range(10))
def test_a_bug_of_any_run_is_seen_in_each(name: str, seed: int) -> None:
    assert judged(STAGING_BUGS[name].build, drawn(seed), Random(seed)).says


@pytest.mark.parametrize("build", RIGHT.values(), ids=RIGHT)
def test_the_right_stagings_are_clean_over_hundreds_of_random_schedules(build: Build) -> None:
    for seed in range(SEEDS):
        case = drawn(seed, depth=1 + seed % 4)
        assert judged(build, case, Random(seed)).says == (), seed


@pytest.mark.parametrize(
    ("name", "depth", "run_count"), [("copied", 1, 10), ("gathered", 1, 8), ("gathered", 2, 10)]
)
def test_the_right_stagings_are_clean_under_every_order(
    name: str, depth: int, run_count: int
) -> None:
    explored = every_order(RIGHT[name], drawn(1, 3, depth=depth), Budget(runs=2_000))

    assert explored.reach is Reach.EXHAUSTED
    assert set(explored.outcomes) == {CLEAN}
    assert explored.runs == run_count


def test_a_run_that_breaks_off_is_seen_as_an_error() -> None:
    seen = judged(RIGHT["gathered"], drawn(1, 3, depth=0), HostFirst())

    assert seen.signs == {Sign.ERROR}
    assert "A depth of 0 shipments" in seen.says[0][1]


def test_sentences_name_the_iteration_and_both_contents() -> None:
    late = judged(STAGING_BUGS["s5-1"].build, CASE, HostFirst()).says
    stale = judged(STAGING_BUGS["s5-3"].build, CASE, HostFirst()).says

    assert late[0][1].startswith("iteration 0 was delivered [")
    assert stale[0][1].startswith("in iteration 0 a reader saw ((-1, -1),) of request 0, not ((")


def test_one_iteration_holds_no_overlap() -> None:
    with pytest.raises(ValueError, match="1 iterations hold no overlap"):
        drawn(0, 1)


def test_each_bug_file_is_registered_under_its_name() -> None:
    folder = Path(kvimpl.bugs.staging.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "bug"}
    assert {name.replace("_", "-") for name in files} == set(STAGING_BUGS)


@pytest.mark.parametrize("name", STAGING_BUGS)
def test_the_designs_have_each_bug_under_its_id_and_row(name: str) -> None:
    assert kvspec.bugs.BUGS[name].row == STAGING_BUGS[name].row
