"""Each known bug of staging is seen at the orders that it names, and the right stagings never."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

import kvimpl.bugs.staging
import kvspec.bugs
from kvcheck.explore import Options, explore
from kvcheck.fuzz.staging import RIGHT, Kind, Sign, drawn, every_order, judged
from kvcheck.schedule import Budget, Eager, HostFirst, Random, Reach
from kvimpl.bugs.staging import NOT_STAGED, STAGING_BUGS, Shows
from kvimpl.device.port import Bytes, Kernel, Mode, Refused, Space
from kvimpl.device.port.steps import Schedule
from kvimpl.device.sim import SimDevice

CASE = drawn(1, 3)
SEEDS = 300


RACY = frozenset({Sign.FINDING, Sign.PAYLOAD})
RACE = frozenset({Sign.FINDING})
STALE = frozenset({Sign.READERS})
MIXED = frozenset({Sign.READERS, Sign.PAYLOAD})
BROKEN = frozenset({Sign.ERROR})
CLEAN: frozenset[Sign] = frozenset()


def shows(name: str) -> Shows:
    return STAGING_BUGS[name].shows


@pytest.mark.parametrize("name", STAGING_BUGS)
def test_a_late_and_a_prompt_device_show_what_the_bug_says(name: str) -> None:
    late = judged(STAGING_BUGS[name], CASE, HostFirst()).signs
    prompt = judged(STAGING_BUGS[name], CASE, Eager()).signs

    assert (late, prompt) == {
        Shows.ANY_RUN: (RACY, RACE),
        Shows.LATE_DEVICE: (RACY, CLEAN),
        Shows.PROMPT_DEVICE: (CLEAN, RACE),
        Shows.READERS: (STALE, STALE),
        Shows.ROWS: (MIXED, MIXED),
        Shows.ERROR: (BROKEN, BROKEN),
        Shows.STEPS: (CLEAN, CLEAN),
    }[shows(name)]


@pytest.mark.parametrize("name", STAGING_BUGS)
def test_every_order_shows_each_bug_but_one_and_only_those_that_ask_the_device_hide(
    name: str,
) -> None:
    explored = every_order(STAGING_BUGS[name], CASE, Budget(runs=2_000))

    hides = shows(name) in (Shows.LATE_DEVICE, Shows.PROMPT_DEVICE, Shows.STEPS)
    assert explored.reach is Reach.EXHAUSTED
    assert any(explored.outcomes) == (shows(name) is not Shows.STEPS)
    assert (CLEAN in explored.outcomes) == hides


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in STAGING_BUGS
        if shows(name) in (Shows.ANY_RUN, Shows.READERS, Shows.ROWS, Shows.ERROR)
    ],
)
@pytest.mark.parametrize("seed", range(10))
def test_a_bug_of_any_run_is_seen_in_each(name: str, seed: int) -> None:
    assert judged(STAGING_BUGS[name], drawn(seed), Random(seed)).says


@pytest.mark.parametrize("kind", RIGHT.values(), ids=RIGHT)
def test_the_right_stagings_are_clean_over_hundreds_of_random_schedules(kind: Kind) -> None:
    for seed in range(SEEDS):
        case = drawn(seed, depth=1 + seed % 4)
        assert judged(kind, case, Random(seed)).says == (), seed


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
    late = judged(STAGING_BUGS["s5-1"], CASE, HostFirst()).says
    stale = judged(STAGING_BUGS["s5-3"], CASE, HostFirst()).says

    assert late[0][1].startswith("iteration 0 was delivered [")
    assert stale[0][1].startswith("in iteration 0 a reader saw ((-1, -1),) of request 0, not ((")


def test_one_iteration_holds_no_overlap() -> None:
    with pytest.raises(ValueError, match="1 iterations hold no overlap"):
        drawn(0, 1)


def test_each_bug_file_is_registered_under_its_name() -> None:
    folder = Path(kvimpl.bugs.staging.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "bug"}
    assert {name.replace("_", "-") for name in files} == set(STAGING_BUGS)


def test_every_wrong_design_of_staging_is_a_staging_or_says_why_it_is_none() -> None:
    designs = {id for id, bug in kvspec.bugs.BUGS.items() if bug.row.startswith("S5")}

    assert set(STAGING_BUGS) | set(NOT_STAGED) == designs
    assert set(STAGING_BUGS) & set(NOT_STAGED) == set()


@pytest.mark.parametrize("name", NOT_STAGED)
def test_what_has_no_staging_needs_a_work_that_is_seen_to_begin(name: str) -> None:
    bug = kvspec.bugs.BUGS[name]
    found = explore(bug.machine.instance(**bug.sizes), Options()).findings

    assert "executes whole" in NOT_STAGED[name]
    assert found
    for one in found:
        assert "start" in [move.action for move in one.finding.path.moves]


@pytest.mark.parametrize("order", [HostFirst(), Eager()], ids=["late", "prompt"])
def test_a_simulated_device_executes_a_work_whole(order: Schedule) -> None:
    seen: list[tuple[str, bool]] = []
    device = SimDevice(order, executed=lambda op: seen.append((op.label, done[-1])))
    done = [False]

    def body(arguments: Sequence[Bytes | int]) -> None:
        with pytest.raises(Refused, match="while work executed"):
            device.query(stream)
        done.append(True)

    buffer = device.alloc(4, Space.DEVICE, label="bytes")
    stream = device.stream("compute")
    device.launch(Kernel("long", (Mode.WRITE,), body), (buffer.view(),), stream)
    device.record(device.event("behind"), stream)
    device.synchronize(stream)

    assert seen == [("long", True), ("record behind", True)]
    device.free(buffer)
    assert device.close() == ()


@pytest.mark.parametrize("name", STAGING_BUGS)
def test_the_designs_have_each_bug_under_its_id_and_row(name: str) -> None:
    assert kvspec.bugs.BUGS[name].row == STAGING_BUGS[name].row
