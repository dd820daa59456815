"""Each kind of order sees what a bug of staging says, and the matrix notices one that is blind."""

from __future__ import annotations

from pathlib import Path

import pytest

from kvcheck.cli.entry import run
from kvcheck.cli.staging_kills import Staged, result_staged
from kvcheck.fuzz import staging_columns
from kvcheck.fuzz.staging import RIGHT, Build, Seen, Sign, StagingCase
from kvcheck.fuzz.staging_columns import Order, claims, measure_order
from kvcheck.verdict import Evidence, Exit, Outcome
from kvimpl.bugs.staging import STAGING_BUGS
from kvimpl.device.port.steps import Schedule

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_a_mock_of_one_fixed_order_misses_what_the_other_sees() -> None:
    missed = {
        order: {name for name in STAGING_BUGS if not measure_order(name, order).by}
        for order in (Order.LATE, Order.PROMPT)
    }
    assert missed == {
        Order.LATE: {"s5-7-early-event", "s5-7-wrong-stream"},
        Order.PROMPT: {"s5-5-index"},
    }


def test_every_order_is_claimed_of_every_bug() -> None:
    assert all(Order.EVERY in claims(name) for name in STAGING_BUGS)
    assert not any(claims(name) for name in RIGHT)


def test_a_budget_that_is_spent_in_silence_settles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging_columns, "ORDERS_MAX", 2)
    cell = measure_order("gathered", Order.EVERY)

    claim = result_staged(Staged("gathered", Order.EVERY, cell, 0.0))

    assert (cell.runs, cell.by, cell.is_open) == (2, (), True)
    assert claim is not None
    assert claim.verdict.outcome is Outcome.INCONCLUSIVE


def test_only_all_orders_of_a_right_staging_are_exhausted() -> None:
    for order in Order:
        claim = result_staged(Staged("copied", order, measure_order("copied", order), 0.0))
        assert claim is not None
        assert claim.verdict.outcome is Outcome.HOLDS
        exhausted = claim.verdict.evidence is Evidence.EXHAUSTED
        assert exhausted == (order is Order.EVERY)


@pytest.mark.usefixtures("_elsewhere")
def test_the_matrix_is_printed_by_the_command(capsys: Capture) -> None:
    arguments = ("bugs", "--engine", "manager", "--select", "s5-7-early-event", "--quiet")
    assert run(arguments) == Exit.OK
    printed = capsys.readouterr().out
    lines = [line.split("  ") for line in printed.splitlines()]
    (told,) = [[x.strip() for x in line if x] for line in lines if "s5-7-early-event" in line]
    assert told[:4] == ["S5.7", "s5-7-early-event", "missed", "killed, run 1: finding"]
    assert "silent, 30" in printed
    assert "1 bugs, 10 of 10 claims met" in printed


@pytest.mark.usefixtures("_elsewhere")
def test_an_order_that_sees_nothing_is_noticed(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def blind(build: Build, case: StagingCase, schedule: Schedule) -> Seen:
        return Seen(())

    monkeypatch.setattr(staging_columns, "judged", blind)
    arguments = ("bugs", "--engine", "manager", "--select", "s5-3", "--quiet")
    assert run(arguments) == Exit.VIOLATION
    assert "s5-3/late device/any/killed: late device missed it" in capsys.readouterr().out


@pytest.mark.usefixtures("_elsewhere")
def test_a_false_alarm_is_noticed(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    def alarmed(build: Build, case: StagingCase, schedule: Schedule) -> Seen:
        return Seen(((Sign.ERROR, "planted"),))

    monkeypatch.setattr(staging_columns, "judged", alarmed)
    arguments = ("bugs", "--engine", "manager", "--select", "s5-3", "--quiet")
    assert run(arguments) == Exit.VIOLATION
    assert "FALSE ALARM" in capsys.readouterr().out
