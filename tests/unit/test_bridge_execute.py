"""Counterexamples of designs, executed on the real managers: the outcome of each known bug."""

from __future__ import annotations

import pytest

from kvcheck.bridge.execute import Bridged, Execution, Played, execute, outcome_of, play
from kvcheck.cli.entry import run
from kvcheck.cli.execute_command import exit_of
from kvcheck.trace.path import Move
from kvcheck.verdict import Exit
from kvimpl.blocks import BlockManager
from kvimpl.bugs import BUGS
from kvspec.bugs import BUGS as DESIGN_BUGS

THERE = {
    "inv-03-queued-in-flight": 4,
    "inv-07-half-swap": 4,
    "inv-10-kept-reference": 2,
    "inv-11-forgotten": 5,
    "inv-12-reused-in-host": 5,
    "s1-1": 4,
}
"""The bugs whose run is refused, and the step of it."""

CANNOT = {
    "s1-4-uncounted-pin": "holds no content",
    "s1-5": "'pins'",
    "s1-5-kept": "'pins'",
    "s1-5-moved": "'pins'",
    "inv-56-backwards": "'offload'",
    "s1-4-wrong-level": "'offload'",
    "s1-6": "'retention'",
    "s1-6-expires-in-use": "'retention'",
    "s1-6-unworthy": "'retention'",
    "inv-28-compute-too-early": "'copies'",
}
"""The bugs whose run has no calls, and a word of the reason."""

SIZES = {"P": 1, "S": 1}
COMPUTED = (Move("allocate", (0,)), Move("commit", (0, 0)), Move("release", (0, 0)))


def test_every_bug_known_on_both_sides_has_its_row() -> None:
    assert set(THERE) | set(CANNOT) == set(BUGS) & set(DESIGN_BUGS)
    assert not set(THERE) & set(CANNOT)


@pytest.mark.parametrize("bug", THERE)
def test_a_run_is_refused_at_the_step_that_the_right_design_lacks(bug: str) -> None:
    done = execute(bug)
    assert done.outcome is Bridged.REFUSED_THERE
    assert done.wrong is not None
    assert done.right is not None
    assert done.wrong.refused_at == done.departs_at == THERE[bug]
    assert done.right.refusal is None
    assert done.right.step_count >= done.departs_at - 1
    assert exit_of(done) is Exit.VIOLATION


@pytest.mark.parametrize("bug", CANNOT)
def test_a_run_without_calls_says_why(bug: str) -> None:
    done = execute(bug)
    assert done.outcome is Bridged.CANNOT
    assert CANNOT[bug] in done.why
    assert exit_of(done) is Exit.INCONCLUSIVE


def test_the_right_manager_in_place_of_the_wrong_one_is_not_refused() -> None:
    moves = execute("inv-07-half-swap").moves
    played = play(BlockManager, SIZES, moves, is_exact=True)
    assert (played.refusal, played.refused_at, played.stopped) == (None, None, "")
    assert played.step_count == len(moves)


def test_a_manager_that_takes_another_action_than_the_run_is_no_refusal() -> None:
    moves = (*COMPUTED, Move("allocate", (0,)))
    played = play(BlockManager, SIZES, moves, is_exact=True)
    assert "did offload_allocate where the run has allocate" in played.stopped


def test_silence_and_a_refused_right_manager_are_no_violation() -> None:
    silent = Execution("s1-1", Bridged.NOT_REFUSED)
    assert exit_of(silent) is Exit.NOTHING_RAN
    moves = execute("s1-1").moves
    refused = play(BUGS["s1-1"].build, SIZES, moves, is_exact=False)
    swapped = Execution("s1-1", Bridged.REFUSED_THERE, right=refused)
    assert exit_of(swapped) is Exit.TOOL_FAULT


def test_another_bug_that_is_refused_earlier_is_refused_elsewhere() -> None:
    done = execute("s1-1")
    played = play(BUGS["inv-10-kept-reference"].build, SIZES, done.moves, is_exact=True)
    assert played.refused_at == 3
    outcome, why = outcome_of(played, done.departs_at)
    assert (outcome, why) == (Bridged.REFUSED_ELSEWHERE, "step 3, not step 4")
    assert exit_of(Execution("s1-1", outcome, why)) is Exit.TOOL_FAULT


def test_calls_that_were_all_made_without_a_refusal_are_no_refusal() -> None:
    assert outcome_of(Played(4, None, None), 4) == (Bridged.NOT_REFUSED, "")


def test_the_command_says_which_step_and_declines_a_bug_of_one_side(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["execute", "s1-1"]) == Exit.VIOLATION
    assert "the wrong manager: step 4 of 4" in capsys.readouterr().out
    assert run(["execute", "kv-001"]) == Exit.USAGE
    assert "known both as a design and as a manager" in capsys.readouterr().err
