"""Each kind of order sees what a bug of staging says, and the matrix notices one that is blind."""

from __future__ import annotations

from pathlib import Path

import pytest

from kvcheck.cli.entry import run
from kvcheck.cli.staging_kills import Staged, result_staged
from kvcheck.fuzz import staging_columns, staging_lockstep
from kvcheck.fuzz.runner import JudgeFault
from kvcheck.fuzz.staging import RIGHT, Kind, Seen, Sign, StagingCase
from kvcheck.fuzz.staging_columns import Order, OrderCell, claims, measure_order
from kvcheck.lockstep import StagedJudge
from kvcheck.lockstep.staged import TooMany
from kvcheck.verdict import Evidence, Exit, Outcome
from kvimpl.bugs.staging import STAGING_BUGS
from kvimpl.device.port.steps import Schedule
from kvimpl.staging import IndexMapper, NoFreeSlot, Slot
from kvspec.events import RequestId

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
        Order.LATE: {"s5-6-hoards", "s5-7-early-event", "s5-7-wrong-stream"},
        Order.PROMPT: {"s5-5-index", "s5-6-hoards"},
    }


def test_lockstep_is_claimed_of_every_bug_and_every_order_of_all_but_one() -> None:
    assert all(Order.LOCKSTEP in claims(name) for name in STAGING_BUGS)
    unclaimed = {name for name in STAGING_BUGS if Order.EVERY not in claims(name)}
    assert unclaimed == {"s5-6-hoards"}
    assert not any(claims(name) for name in RIGHT)


def test_a_budget_that_is_spent_in_silence_settles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging_columns, "ORDERS_MAX", 2)
    cell = measure_order("gathered", Order.EVERY)

    claim = result_staged(Staged("gathered", Order.EVERY, cell, 0.0))

    assert (cell.runs, cell.by, cell.is_open) == (2, (), True)
    assert claim is not None
    assert claim.verdict.outcome is Outcome.INCONCLUSIVE


def test_all_orders_of_a_right_staging_are_exhausted_and_fewer_are_not() -> None:
    for order in Order:
        claim = result_staged(Staged("copied", order, measure_order("copied", order), 0.0))
        assert claim is not None
        assert claim.verdict.outcome is Outcome.HOLDS
        exhausted = claim.verdict.evidence is Evidence.EXHAUSTED
        assert exhausted == (order in (Order.EVERY, Order.LOCKSTEP))


@pytest.mark.usefixtures("_elsewhere")
def test_the_matrix_is_printed_by_the_command(capsys: Capture) -> None:
    arguments = ("bugs", "--engine", "manager", "--select", "s5-7-early-event", "--quiet")
    assert run(arguments) == Exit.OK
    printed = capsys.readouterr().out
    lines = [line.split("  ") for line in printed.splitlines()]
    (told,) = [[x.strip() for x in line if x] for line in lines if "s5-7-early-event" in line]
    assert told[:4] == ["S5.7", "s5-7-early-event", "missed", "killed, run 1: finding"]
    assert told[-1] == "killed, run 1: refused at launch"
    assert "silent, 30" in printed
    assert "1 bugs, 13 of 13 claims met" in printed


@pytest.mark.parametrize("name", STAGING_BUGS)
def test_lockstep_kills_each_bug_at_the_step_that_it_names(name: str) -> None:
    cell = measure_order(name, Order.LOCKSTEP)
    assert (cell.by, cell.refused_at) == ((Sign.REFUSED,), STAGING_BUGS[name].refused_at)


def test_a_bug_that_is_refused_at_another_step_is_a_missed_claim() -> None:
    cell = OrderCell(1, (Sign.REFUSED,), refused_at="retire")
    claim = result_staged(Staged("s5-1", Order.LOCKSTEP, cell, 0.0))
    assert claim is not None
    assert claim.verdict.outcome is Outcome.VIOLATED
    assert claim.verdict.reason == "refused at retire, not at stage"


def test_a_run_without_a_step_is_a_fault_of_the_tool_and_no_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nothing(_: object, request: RequestId) -> Slot:
        raise NoFreeSlot("Planted.", cause="It is planted.", mend="Take it out.")

    monkeypatch.setattr(IndexMapper, "bind", nothing)
    with pytest.raises(JudgeFault, match=r"no step was reported.*Planted"):
        measure_order("gathered", Order.LOCKSTEP)


def test_a_run_that_outgrows_its_instance_is_a_fault_of_the_tool_and_no_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def many(*_: object) -> None:
        raise TooMany("more than 2 are in use at once")

    monkeypatch.setattr(StagedJudge, "_meet", many)
    with pytest.raises(JudgeFault, match="came to no verdict: more than 2 are in use"):
        measure_order("copied", Order.LOCKSTEP)


@pytest.mark.usefixtures("_elsewhere")
def test_a_judge_that_refuses_nothing_is_noticed(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    for module in (staging_columns, staging_lockstep):
        monkeypatch.setattr(module, "refused_at", lambda judge: "")
    arguments = ("bugs", "--engine", "manager", "--select", "s5-6-hoards", "--quiet")
    assert run(arguments) == Exit.VIOLATION
    assert "s5-6-hoards/lockstep/any/killed: lockstep missed it" in capsys.readouterr().out


@pytest.mark.usefixtures("_elsewhere")
def test_an_order_that_sees_nothing_is_noticed(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def blind(kind: Kind, case: StagingCase, schedule: Schedule) -> Seen:
        return Seen(())

    monkeypatch.setattr(staging_columns, "judged", blind)
    arguments = ("bugs", "--engine", "manager", "--select", "s5-3", "--quiet")
    assert run(arguments) == Exit.VIOLATION
    assert "s5-3/late device/any/killed: late device missed it" in capsys.readouterr().out


@pytest.mark.usefixtures("_elsewhere")
def test_a_false_alarm_is_noticed(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    def alarmed(kind: Kind, case: StagingCase, schedule: Schedule) -> Seen:
        return Seen(((Sign.ERROR, "planted"),))

    monkeypatch.setattr(staging_columns, "judged", alarmed)
    arguments = ("bugs", "--engine", "manager", "--select", "s5-3", "--quiet")
    assert run(arguments) == Exit.VIOLATION
    assert "FALSE ALARM" in capsys.readouterr().out
