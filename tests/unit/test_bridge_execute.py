"""Counterexamples of designs, executed on the real managers: the outcome of each known bug."""

from __future__ import annotations

import pytest

from kvcheck.bridge.execute import Bridged, Execution, execute, model_of, outcome_of
from kvcheck.bridge.player import Played, play
from kvcheck.bridge.readings import READINGS
from kvcheck.bridge.readings.reading import narrowed
from kvcheck.bridge.script import Script, Verb, making, silent
from kvcheck.cli.entry import run
from kvcheck.cli.execute_command import exit_of
from kvcheck.explore import Options, explore
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
    "s1-4-uncounted-pin": 4,
    "s1-5": 1,
    "s1-5-kept": 2,
    "s1-5-moved": 2,
}
"""The bugs whose run is refused, and the step of it."""

CANNOT = {
    "inv-56-backwards": "'offload'",
    "s1-4-wrong-level": "'offload'",
    "s1-6": "'retention'",
    "s1-6-expires-in-use": "'retention'",
    "s1-6-unworthy": "'retention'",
    "inv-28-compute-too-early": "'copies'",
}
"""The bugs whose run has no calls, and a word of the reason."""

TIERS = READINGS["tiers"].settings({"P": 1, "S": 1})
COMPUTED: Script = (
    making(Verb.ALLOCATE, 1, "allocate", request=0),
    making(Verb.COMMIT, 2, "commit", block=0, request=0),
    making(Verb.RELEASE, 3, "release", block=0, request=0),
)


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
    done = execute("inv-07-half-swap")
    played = play(BlockManager, TIERS, done.script, is_exact=True)
    assert (played.refusal, played.refused_at, played.stopped) == (None, None, "")
    assert played.step_count == len(done.moves)
    assert outcome_of(played, done.departs_at) == (Bridged.NOT_REFUSED, "")


def test_a_manager_that_takes_another_action_than_the_run_is_no_refusal() -> None:
    script = (*COMPUTED, making(Verb.ALLOCATE, 4, "allocate", request=0))
    played = play(BlockManager, TIERS, script, is_exact=True)
    assert "did offload_allocate where the run has allocate" in played.stopped
    assert outcome_of(played, 4)[0] is Bridged.CANNOT


def test_a_pin_of_an_empty_block_has_no_call_and_so_is_not_searched() -> None:
    known = DESIGN_BUGS["s1-4-uncounted-pin"]
    model = model_of(known.machine, known.sizes)
    pinned = (making(Verb.PIN, 1, "pin", block=1),)
    assert "no caller can name it" in play(BlockManager, TIERS, pinned, is_exact=True).stopped
    anyone, callers = (
        min(len(found.finding.path.moves) for found in explore(own, Options()).findings)
        for own in (model, narrowed(model, READINGS["tiers"].guards))
    )
    assert (anyone, callers) == (1, 4)


def test_silence_and_a_refused_right_manager_are_no_violation() -> None:
    silent_end = Execution("s1-1", Bridged.NOT_REFUSED)
    assert exit_of(silent_end) is Exit.NOTHING_RAN
    done = execute("s1-1")
    refused = play(BUGS["s1-1"].build, TIERS, done.script, is_exact=False)
    swapped = Execution("s1-1", Bridged.REFUSED_THERE, right=refused)
    assert exit_of(swapped) is Exit.TOOL_FAULT


def test_a_right_manager_that_never_gets_to_the_step_is_no_comparison() -> None:
    done = execute("s1-1")
    early = Played(2, None, None, "an error of step 3")
    short = Execution("s1-1", done.outcome, "", done.moves, 4, done.script, done.wrong, early)
    assert exit_of(done) is Exit.VIOLATION
    assert exit_of(short) is Exit.TOOL_FAULT


def test_another_bug_that_is_refused_earlier_is_refused_elsewhere() -> None:
    done = execute("s1-1")
    played = play(BUGS["inv-10-kept-reference"].build, TIERS, done.script, is_exact=True)
    assert played.refused_at == 3
    outcome, why = outcome_of(played, done.departs_at)
    assert (outcome, why) == (Bridged.REFUSED_ELSEWHERE, "step 3, not step 4")
    assert exit_of(Execution("s1-1", outcome, why)) is Exit.TOOL_FAULT


def test_a_refusal_of_a_call_that_only_prepares_the_step_is_elsewhere() -> None:
    script = (
        *COMPUTED[:2],
        silent(Verb.RELEASE, 3, block=0),
        making(Verb.ALLOCATE, 3, "offload_allocate", request=0),
    )
    played = play(BUGS["inv-10-kept-reference"].build, TIERS, script, is_exact=True)
    assert played.refused_at == 3
    assert outcome_of(played, 3) == (
        Bridged.REFUSED_ELSEWHERE,
        "release of block 0, which prepares step 3",
    )


def test_calls_that_were_all_made_without_a_refusal_are_no_refusal() -> None:
    assert outcome_of(Played(4, None, None), 4) == (Bridged.NOT_REFUSED, "")


def test_the_command_says_which_step_and_declines_a_bug_of_one_side(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["execute", "s1-1"]) == Exit.VIOLATION
    assert "the wrong manager: step 4 of 4" in capsys.readouterr().out
    assert run(["execute", "kv-001"]) == Exit.USAGE
    assert "known both as a design and as a manager" in capsys.readouterr().err
