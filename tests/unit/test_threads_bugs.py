"""Each known bug of the shared manager is seen by what it says, in some order, and by nothing else.

The whole of every bug's orders is run by `bench/threads.py`; here, those that are cheap.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import kvimpl.bugs.shared
import kvspec.bugs
from kvcheck.cli.entry import run
from kvcheck.cli.threads_kills import Shared, result_shared
from kvcheck.schedule import Budget, explore
from kvcheck.threads import columns
from kvcheck.threads.columns import (
    RIGHT,
    Cell,
    Column,
    bug_rows,
    claims,
    every_order,
    linear,
    made,
    random_orders,
)
from kvcheck.threads.program import DOWN_AND_UP
from kvcheck.threads.run import judged
from kvcheck.verdict import Exit, Outcome
from kvimpl.blocks import PoolSettings
from kvimpl.bugs.shared import SHARED_BUGS, Shows
from kvimpl.bugs.shared.told_ids import ToldIds
from kvimpl.device.port import Device, Stream
from kvimpl.shared import SharedManager, SharedReporter

DEAR = {
    "s3-1",
    "s3-1-torn",
    "s3-4",
    "s3-4-atomic",
    "s3-4-undone-twice",
    "s3-6-r2",
    "s3-6-r4",
}
"""Bugs of which all orders take from ten seconds to a minute."""
SEEDS = {"s3-4-in-hand": 1, "s3-4-old-id": 10}
"""Two bugs are rare: few programs by chance move a block down over another that is pinned by id."""
CHEAP = [name for name in SHARED_BUGS if name not in DEAR]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("name", CHEAP)
def test_every_order_shows_what_the_bug_says_and_nothing_else(name: str) -> None:
    cells = every_order(made(name), frozenset())

    assert not any(cell.is_open for cell in cells.values())
    assert {column.value for column, cell in cells.items() if cell.by} == {
        shows.value for shows in SHARED_BUGS[name].shows - {Shows.LINEAR}
    }


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("s3-4", Shows.LOCKSTEP),
        ("s3-4", Shows.COUNTS),
        ("s3-6-r2", Shows.RACES),
        ("s3-6-r2", Shows.COUNTS),
        ("s3-6-r4", Shows.RACES),
        ("s3-6-r4", Shows.PAYLOAD),
        ("s3-1", Shows.RACES),
        ("s3-1-torn", Shows.LOCKSTEP),
        ("s3-1-torn", Shows.COUNTS),
        ("s3-4-atomic", Shows.RACES),
        ("s3-4-atomic", Shows.PAYLOAD),
        ("s3-4-undone-twice", Shows.LOCKSTEP),
        ("s3-4-undone-twice", Shows.COUNTS),
    ],
)
def test_the_first_orders_show_the_dear_ones(name: str, first: Shows) -> None:
    cells = every_order(made(name), frozenset({first}), runs_max=200)

    assert cells[Column(first.value)].by


@pytest.mark.parametrize("name", SHARED_BUGS)
def test_an_order_by_chance_shows_each_bug(name: str) -> None:
    assert random_orders(made(name), seed=SEEDS.get(name, 0), runs_max=400).by


def first_words(name: str, sign: Shows, about: str = "") -> str:
    "What the first order that shows it says."

    def once(schedule: object) -> str:
        says = judged(made(name), DOWN_AND_UP, schedule).says  # type: ignore[arg-type]
        return next((words for kind, words in says if kind is sign and about in words), "")

    explored = explore(once, budget=Budget(runs=600), stop=bool)
    return next(words for words in explored.outcomes if words)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("s3-2", "ClaimedDown(request=1, block=0, spare=1): the event tells another result"),
        ("s3-3", "Swapped(block=0, other=1): the event tells another result than the design's"),
        ("s3-5", "scheduler stands at: the implementation has swapped, the design idle"),
        ("s3-6-r2", "free[SECONDARY]: the implementation has [0], the design []"),
        ("s3-6-r3", "in_table[block0]: the implementation has True, the design False"),
        ("s3-6-r4", "wanted: reader__pinned(reader0)\n    false: its bytes are there"),
        ("s3-7-claimed", "in_hand[block0]: the implementation has False, the design True"),
    ],
)  # fmt: skip
def test_the_refusal_says_what_the_design_has_instead(name: str, words: str) -> None:
    said = first_words(name, Shows.LOCKSTEP)

    assert words in said
    assert "\n  reported at kvimpl/shared/manager.py:" in said


def test_a_count_that_was_written_back_is_named_as_a_lost_update() -> None:
    words = first_words("s3-1", Shows.RACES, "lost update")

    assert words.startswith("lost update: set kv.free_count[")
    assert words.count("shared/s3_1.py:") == 2
    assert words.count("shared/trusting.py:") == 1


def test_references_that_were_written_back_are_a_lost_update_too() -> None:
    words = first_words("s3-1-torn", Shows.RACES, "lost update")

    assert words.startswith("lost update: set kv.refs[")
    assert words.count("shared/s3_1_torn.py:") == 2


def ids_told(
    device: Device,
    settings: PoolSettings,
    *,
    compute: Stream,
    reporter: SharedReporter | None = None,
) -> SharedManager:
    return ToldIds(device, settings, compute=compute, reporter=reporter)


def test_pins_by_id_that_look_again_are_silent_in_every_order() -> None:
    cells = every_order(ids_told, frozenset())

    assert {column: cell for column, cell in cells.items() if cell.by or cell.is_open} == {}


def test_a_lock_that_is_taken_twice_names_who_has_it() -> None:
    assert "'kv.pool' is taken twice by 'r0'" in first_words("s3-7-relock", Shows.RACES)


def test_every_file_is_registered_and_says_what_the_design_has() -> None:
    folder = Path(kvimpl.bugs.shared.__file__).parent
    files = {file.stem.replace("_", "-") for file in folder.glob("s*.py")}

    assert files == set(SHARED_BUGS)
    for id, bug in SHARED_BUGS.items():
        assert (bug.id, bug.row) == (id, kvspec.bugs.BUGS[id].row)
        assert bug.shows


def test_all_but_three_wrong_designs_of_the_case_are_wrong_code_too() -> None:
    case = {bug.id for bug in kvspec.bugs.BUGS.values() if bug.row.startswith("S3")}

    assert case - set(SHARED_BUGS) == {"s3-7-barged", "s3-7-crossed", "s3-7-stale-note"}
    assert set(SHARED_BUGS) <= case
    assert set(bug_rows().values()) == {f"S3.{row}" for row in range(1, 8)}


def test_chance_is_claimed_of_every_bug_and_nothing_of_the_right_manager() -> None:
    assert all(Column.RANDOM in claims(name) for name in SHARED_BUGS)
    assert claims(RIGHT) == ()


@pytest.mark.usefixtures("_elsewhere")
def test_the_matrix_has_the_bug_and_the_right_manager(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "RANDOM_RUNS", 20)
    monkeypatch.setattr(columns, "HISTORIES", 3)
    argv = ("bugs", "--engine", "manager", "--select", "s3-7-relock", "--quiet")

    assert run(argv) == Exit.OK
    printed = capsys.readouterr().out
    assert "s3-7-relock        not in 1     killed, run 1" in printed
    assert "shared             silent, 119  silent, 119" in printed


@pytest.mark.usefixtures("_elsewhere")
def test_a_check_that_is_blind_is_noticed(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "RANDOM_RUNS", 20)
    monkeypatch.setattr(columns, "HISTORIES", 3)
    monkeypatch.setattr("kvcheck.threads.run.text_of", lambda refusal: "")
    monkeypatch.setattr("kvcheck.lockstep.remote.RemoteJudge.report", lambda *_: None)
    monkeypatch.setattr(
        "kvcheck.lockstep.remote.RemoteJudge.verdict", lambda _: made_up(Outcome.HOLDS)
    )
    argv = ("bugs", "--engine", "manager", "--select", "s3-6-r3", "--quiet")

    assert run(argv) == Exit.VIOLATION
    assert "s3-6-r3/lockstep/any/killed: lockstep missed it" in capsys.readouterr().out


def made_up(outcome: Outcome) -> object:
    from kvcheck.verdict import Evidence, Verdict

    return Verdict(outcome, Evidence.OBSERVED, "")


def test_what_becomes_of_a_cell() -> None:
    alarm = result_shared(Shared(RIGHT, Column.RACES, Cell(3, "race: …"), 0.0))
    spent = result_shared(Shared("s3-5", Column.RACES, Cell(3, "", is_open=True), 0.0))
    missed = result_shared(Shared("s3-5", Column.RACES, Cell(3, ""), 0.0))

    assert alarm is not None
    assert spent is not None
    assert missed is not None
    assert [one.verdict.outcome for one in (alarm, spent, missed)] == [
        Outcome.VIOLATED,
        Outcome.INCONCLUSIVE,
        Outcome.VIOLATED,
    ]
    assert result_shared(Shared("s3-2", Column.RACES, Cell(3, ""), 0.0)) is None


@pytest.mark.parametrize(
    "name", [bug.id for bug in SHARED_BUGS.values() if Shows.LINEAR in bug.shows]
)
def test_answers_that_a_bug_says_have_no_order_are_found_within_the_matrix_s_histories(
    name: str,
) -> None:
    assert linear(name).by
