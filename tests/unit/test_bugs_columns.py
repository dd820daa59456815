"""Each kind of check sees what is its own, by itself, and the matrix notices one that is blind."""

from __future__ import annotations

import pytest

from kvcheck.cli import manager_kills
from kvcheck.cli.entry import run
from kvcheck.fuzz import columns
from kvcheck.fuzz.columns import Column, known_bugs, measure
from kvcheck.fuzz.runner import Attempt, JudgeFault, run_case
from kvcheck.fuzz.showcase import WRONG_QUEUE
from kvcheck.lockstep import Judge
from kvcheck.verdict import Evidence, Exit, Outcome, Verdict
from kvimpl.bugs import BUGS

BLIND = {
    "s1-1": {Column.SCHEDULES, Column.PAYLOAD, Column.COUNTS},
    "s1-5": {Column.SCHEDULES, Column.PAYLOAD},
    "inv-28-copies-too-early": {Column.LOCKSTEP, Column.COUNTS},
    "inv-56-backwards": {Column.SCHEDULES, Column.COUNTS},
    "canary": {Column.SCHEDULES, Column.PAYLOAD},
    "inv-11-forgotten": {Column.SCHEDULES, Column.PAYLOAD},
}


@pytest.fixture
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("name", BLIND)
@pytest.mark.parametrize("column", Column, ids=lambda column: column.value)
def test_a_column_sees_what_it_looks_at_and_nothing_else(name: str, column: Column) -> None:
    cell = measure(name, column, runs=150)
    assert bool(cell.by) is (column not in BLIND[name]), cell


@pytest.mark.parametrize("column", Column, ids=lambda column: column.value)
def test_no_column_alarms_at_the_right_manager(column: Column) -> None:
    assert measure("blocks", column, runs=150).by == ""


def test_every_bug_is_claimed_by_a_column_unless_it_needs_two_threads() -> None:
    unclaimed = {name for name in known_bugs() if not manager_kills.claims(name)}
    assert unclaimed == {"kv-104", "kv-s05", "kv-s07", "kv-s08"}
    assert set(known_bugs()) == set(BUGS)


@pytest.mark.usefixtures("_elsewhere")
def test_the_matrix_says_what_counts_only_misses(capsys) -> None:
    assert run(("bugs", "--engine", "manager", "--select", "S1.1", "--quiet")) == Exit.OK
    printed = capsys.readouterr().out
    assert "s1-1                    killed, run 1  missed     missed   missed" in printed
    assert "Counts only missed 1 of 1: s1-1." in printed


@pytest.mark.usefixtures("_elsewhere")
def test_a_bug_of_the_manager_only_is_selected_by_its_name(capsys) -> None:
    assert run(("bugs", "--select", "canary", "--quiet")) == Exit.OK
    assert "1 bugs, 5 of 5 claims met" in capsys.readouterr().out


@pytest.mark.usefixtures("_elsewhere")
def test_a_blind_column_is_noticed(monkeypatch, capsys) -> None:
    monkeypatch.setattr(columns, "_reporter", lambda case, column: None)
    assert run(("bugs", "--engine", "manager", "--select", "canary", "--quiet")) == Exit.VIOLATION
    assert "canary/lockstep/any/killed: lockstep missed it" in capsys.readouterr().out


@pytest.mark.usefixtures("_elsewhere")
def test_a_false_alarm_is_noticed(monkeypatch, capsys) -> None:
    class Alarmed(Attempt):
        def end(self):
            return columns.Failure("error", "Miscounted", "planted")

    kinds = {**columns._KINDS, Column.COUNTS: Alarmed}
    monkeypatch.setattr(columns, "_KINDS", kinds)
    assert run(("bugs", "--engine", "manager", "--select", "s1-1", "--quiet")) == Exit.VIOLATION
    assert "FALSE ALARM" in capsys.readouterr().out


def test_a_judge_that_gives_up_makes_no_run(monkeypatch) -> None:
    given_up = Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, "", "more requests than it has")
    monkeypatch.setattr(Judge, "verdict", lambda self: given_up)
    with pytest.raises(JudgeFault, match="The judge gave up: more requests than it has"):
        run_case(WRONG_QUEUE)


def test_counters_are_looked_at_during_the_run_and_after_it() -> None:
    assert measure("s1-5", Column.COUNTS, runs=20).by == "Miscounted in Unpin"
    assert measure("inv-11-forgotten", Column.COUNTS, runs=20).by == "Miscounted at the end"
