"""Every exit code of the command line, brought about."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from command_lines import Kvproof

from kvcheck.explore import ExploreResult
from kvcheck.trace.path import NotReproduced
from kvcheck.verdict import Exit

PYTHON = ("--engine", "python", "--jobs", "1")


def test_a_complete_search_without_violation_exits_0_and_names_its_bound(kvproof: Kvproof) -> None:
    ran = kvproof("explore", "cups", "--no-symmetry", *PYTHON)
    assert ran.code == Exit.OK
    assert "cups: holds: exhausted, C=2, N=2, 10 states, depth 4" in ran.out


def test_a_violation_exits_1_and_is_told_and_kept(kvproof: Kvproof, tmp_path: Path) -> None:
    ran = kvproof("explore", "overfull", *PYTHON)
    assert ran.code == Exit.VIOLATION
    assert "overfull fails in 3 steps, inside fill" in ran.out
    assert (tmp_path / ".kvproof" / "runs" / "overfull-fill.json").is_file()


def test_a_deadlock_is_told_with_what_refuses_each_action(kvproof: Kvproof) -> None:
    ran = kvproof("explore", "oneway", *PYTHON)
    assert ran.code == Exit.VIOLATION
    assert "oneway is stuck in 4 steps" in ran.out
    assert "refused: not 'there is room'" in ran.out


def test_an_interruption_exits_2_and_keeps_what_was_found(
    kvproof: Kvproof, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from kvcheck.cli import searching

    real = searching.explore

    def pressed(*given: Any, **named: Any) -> ExploreResult:
        os.kill(os.getpid(), signal.SIGINT)
        return real(*given, **named)

    monkeypatch.setattr(searching, "explore", pressed)
    ran = kvproof("explore", "cups", "--json", "result.json", *PYTHON)
    assert ran.code == Exit.INTERRUPTED
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["interrupted"] is True
    assert result["exit"]["code"] == 2
    assert {o["outcome"] for o in result["obligations"]} == {"inconclusive"}


@pytest.mark.parametrize("error", [RuntimeError("lost"), NotReproduced("not so")])
def test_a_fault_of_the_tool_exits_3_without_a_stack_trace(
    kvproof: Kvproof, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    from kvcheck.cli import searching

    def broken(*_given: Any, **_named: Any) -> ExploreResult:
        raise error

    monkeypatch.setattr(searching, "explore", broken)
    ran = kvproof("explore", "cups", *PYTHON)
    assert ran.code == Exit.TOOL_FAULT
    assert ran.out == ""
    assert "Traceback" not in ran.err
    assert str(error) in ran.err


def test_a_crash_names_the_file_that_holds_its_trace(
    kvproof: Kvproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kvcheck.cli import searching

    def broken(*_given: Any, **_named: Any) -> ExploreResult:
        raise RuntimeError("lost")

    monkeypatch.setattr(searching, "explore", broken)
    ran = kvproof("explore", "cups", *PYTHON)
    name = ran.err.split("The trace is in ")[1].split(";")[0]
    trace = Path(name).read_text()
    Path(name).unlink()
    assert "RuntimeError: lost" in trace
    assert "kvproof explore cups" in trace


def test_an_unknown_machine_exits_4(kvproof: Kvproof) -> None:
    assert kvproof("explore", "mugs").code == Exit.USAGE


def test_an_empty_selection_exits_5(kvproof: Kvproof) -> None:
    assert kvproof("bugs", "--select", "S7").code == Exit.NOTHING_RAN
    assert kvproof("explore", "cups", "--select", "nothing", *PYTHON).code == Exit.NOTHING_RAN


def test_nothing_to_explain_exits_5(kvproof: Kvproof) -> None:
    assert kvproof("explain", "cups").code == Exit.NOTHING_RAN


def test_a_search_that_hit_its_depth_exits_10_and_says_so(kvproof: Kvproof) -> None:
    ran = kvproof("explore", "cups", "--depth", "2", *PYTHON)
    assert ran.code == Exit.INCONCLUSIVE
    assert "bounded" in ran.out


def test_a_search_that_hit_its_state_limit_exits_10(kvproof: Kvproof) -> None:
    ran = kvproof("explore", "cups", "--states", "3", *PYTHON)
    assert ran.code == Exit.INCONCLUSIVE
    assert "the limit of states was reached" in ran.out


def test_a_missing_environment_exits_11(kvproof: Kvproof, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import PackageNotFoundError

    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("kvcheck.cli.doctor_command.version", absent)
    ran = kvproof("doctor")
    assert ran.code == Exit.ENVIRONMENT_ABSENT
    assert "pip install z3-solver" in ran.out
    for command in ("watch", "serve"):
        assert f"not installed: no `kvproof {command}`" in ran.out


def test_a_claim_of_a_bug_that_is_not_met_exits_1(
    kvproof: Kvproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    import toy_designs

    false_claim = toy_designs.bug("t1-sound", toy_designs.Cups, "fill", killed_by=("explicit",))
    monkeypatch.setattr("kvspec.bugs.BUGS", {false_claim.id: false_claim})
    ran = kvproof("bugs", "--engine", "explicit")
    assert ran.code == Exit.VIOLATION
    assert "explicit missed it" in ran.out
