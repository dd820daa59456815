"""Counterexamples of designs, executed on the real managers: the outcome of each known bug."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import pytest

from kvcheck.bridge import execute as execute_module
from kvcheck.bridge.execute import Bridged, Execution, execute, model_of, outcome_of
from kvcheck.bridge.player import Played, play
from kvcheck.bridge.readings import READINGS
from kvcheck.bridge.script import Script, Verb, making, silent
from kvcheck.cli.entry import run
from kvcheck.cli.execute_command import exit_of, verdict_of
from kvcheck.explore import Options, explore
from kvcheck.verdict import Exit, Outcome
from kvimpl.blocks import BlockManager
from kvimpl.bugs import BUGS
from kvspec.bugs import BUGS as DESIGN_BUGS

executed = lru_cache(maxsize=None)(execute)
"""A bug's execution, made once for all tests: it is a value."""

THERE = {
    "inv-03-queued-in-flight": 4,
    "inv-07-half-swap": 4,
    "inv-10-kept-reference": 2,
    "inv-11-forgotten": 5,
    "inv-12-reused-in-host": 5,
    "inv-28-compute-too-early": 3,
    "kv-001": 4,
    "s1-1": 4,
    "s1-4-uncounted-pin": 4,
    "s1-5": 1,
    "s1-5-kept": 2,
    "s1-5-moved": 2,
    "s1-6": 3,
    "s1-6-expires-in-use": 3,
    "s1-6-unworthy": 3,
}
"""The bugs whose run is refused, and the step of it."""

IN_CALL = {"inv-56-backwards": (4, 4), "s1-4-wrong-level": (2, 2)}
"""The bugs that are refused in a call of several lines: the step, and the call's last."""

UNREAD = {"kv-017": "objects", "kv-104": "locks", "kv-119": "objects"}
"""The bugs whose design has no reading as calls."""

TIERS = READINGS["tiers"].settings({"P": 1, "S": 1})
COMPUTED: Script = (
    making(Verb.ALLOCATE, 1, "allocate", request=0),
    making(Verb.COMMIT, 2, "commit", block=0, request=0),
    making(Verb.RELEASE, 3, "release", block=0, request=0),
)


def test_every_bug_known_on_both_sides_has_its_row() -> None:
    assert {*THERE, *IN_CALL, *UNREAD} == set(BUGS) & set(DESIGN_BUGS)
    assert not set(THERE) & set(IN_CALL)


@pytest.mark.parametrize("bug", UNREAD)
def test_a_bug_of_a_design_without_a_reading_is_not_called_met(bug: str) -> None:
    done = executed(bug)
    assert done.outcome is Bridged.CANNOT
    assert f"the machine '{UNREAD[bug]}' has no reading" in done.why


def test_every_reading_is_of_a_design_that_has_bugs() -> None:
    assert {bug.design for bug in DESIGN_BUGS.values()} > set(READINGS)


@pytest.mark.parametrize("bug", THERE)
def test_a_run_is_refused_at_the_step_that_the_right_design_lacks(bug: str) -> None:
    done = executed(bug)
    assert done.outcome is Bridged.REFUSED_THERE
    assert done.wrong is not None
    assert done.right is not None
    assert done.wrong.refused_at == done.departs_at == THERE[bug]
    assert done.right.refusal is None
    assert done.right.step_count >= done.departs_at - 1
    assert exit_of(done) is Exit.VIOLATION


WHY = {
    "s1-4-uncounted-pin": "free_count",
    "s1-5": "free",
    "s1-5-kept": "free",
    "s1-5-moved": "it is free in secondary",
    "s1-6": "timed",
    "s1-6-expires-in-use": "expiring",
    "s1-6-unworthy": "it is worth a copy",
    "inv-28-compute-too-early": "compute waits for both copy streams",
    "inv-56-backwards": "pending",
    "s1-4-wrong-level": "free_count",
}
"""The field that disagrees, or the condition that is false, in the bug's own words."""


@pytest.mark.parametrize("bug", WHY)
def test_a_refusal_says_what_the_bug_is_about(bug: str) -> None:
    wrong = executed(bug).wrong
    assert wrong is not None
    refusal = wrong.refusal
    assert refusal is not None
    said = {d.field for d in refusal.disagreements}
    if refusal.conjunct is not None:
        said.add(refusal.conjunct.label)
    assert WHY[bug] in said


@pytest.mark.parametrize("bug", IN_CALL)
def test_a_line_of_a_call_is_refused_in_the_call_that_makes_it(bug: str) -> None:
    done = executed(bug)
    step, last = IN_CALL[bug]
    assert done.outcome is Bridged.REFUSED_IN_CALL
    assert done.departs_at == step
    assert done.wrong is not None
    assert done.right is not None
    call = done.wrong.refused_call
    assert call is not None
    assert (call.first, call.last) == (1, last)
    assert f"{done.moves[step - 1].action} is the first that is wrong" in done.why
    assert (done.right.refusal, done.right.stopped) == (None, "")
    assert exit_of(done) is Exit.VIOLATION


@pytest.mark.parametrize("bug", sorted({*THERE, *IN_CALL}))
def test_the_same_holds_with_two_slots_a_level(bug: str) -> None:
    is_copies = DESIGN_BUGS[bug].design == "copies"
    done = execute(bug, sizes={"W": 2, "S": 4} if is_copies else {"P": 2, "S": 2})
    assert done.outcome is (Bridged.REFUSED_IN_CALL if bug in IN_CALL else Bridged.REFUSED_THERE)
    assert not done.is_right_refused
    assert exit_of(done) is Exit.VIOLATION


SWAPPED_IN = {
    "inv-56-backwards": "transfer is the first that is wrong, not claim_spare",
    "s1-1": "transfer is the first that is wrong, not claim_spare",
    "inv-07-half-swap": "no line by itself is wrong, not claim_spare",
    "inv-03-queued-in-flight": "no line by itself is wrong, not claim_spare",
}
"""Other bugs on the calls of `s1-4-wrong-level`, and what is said of the call's lines."""


@pytest.mark.parametrize("other", SWAPPED_IN)
def test_another_wrong_line_of_the_same_call_is_elsewhere(
    other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execute_module, "BUGS", {**BUGS, "s1-4-wrong-level": BUGS[other]})
    done = execute("s1-4-wrong-level")
    assert done.outcome is Bridged.REFUSED_ELSEWHERE
    assert SWAPPED_IN[other] in done.why
    assert exit_of(done) is Exit.TOOL_FAULT


def test_a_design_without_a_reading_cannot_be_executed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute_module, "READINGS", {})
    done = execute("s1-1")
    assert done.outcome is Bridged.CANNOT
    assert "'tiers' has no reading as calls" in done.why
    assert exit_of(done) is Exit.INCONCLUSIVE


def test_the_right_manager_in_place_of_the_wrong_one_is_not_refused() -> None:
    done = executed("inv-07-half-swap")
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
        for own in (model, READINGS["tiers"].narrow(model))
    )
    assert (anyone, callers) == (1, 4)


def test_silence_and_a_refused_right_manager_are_no_violation() -> None:
    silent_end = Execution("s1-1", Bridged.NOT_REFUSED)
    assert exit_of(silent_end) is Exit.NOTHING_RAN
    done = executed("s1-1")
    refused = play(BUGS["s1-1"].build, TIERS, done.script, is_exact=False)
    swapped = Execution("s1-1", Bridged.REFUSED_THERE, right=refused)
    assert exit_of(swapped) is Exit.TOOL_FAULT


def test_a_right_manager_that_never_gets_to_the_step_is_no_comparison() -> None:
    done = executed("s1-1")
    early = Played(2, None, None, "an error of step 3")
    short = Execution("s1-1", done.outcome, "", done.moves, 4, done.script, done.wrong, early)
    assert exit_of(done) is Exit.VIOLATION
    assert exit_of(short) is Exit.TOOL_FAULT


def test_another_bug_that_is_refused_earlier_is_refused_elsewhere() -> None:
    done = executed("s1-1")
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
    said = capsys.readouterr().out
    assert "the wrong manager: step 4 of 4" in said
    assert "calls without a step" not in said
    assert run(["execute", "kv-002"]) == Exit.USAGE
    assert "known both as a design and as a manager" in capsys.readouterr().err


def test_the_command_declares_the_calls_that_the_run_has_no_step_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["execute", "s1-6"]) == Exit.VIOLATION
    said = capsys.readouterr().out
    assert f"calls without a step: {READINGS['retention'].silently}" in said
    assert "warm-up: allocate, commit of block 0, release of block 0" in said
    assert "2. release(1)\n     and besides: commit of block 1" in said


def test_the_result_file_says_what_the_shell_is_told_and_quiet_says_only_the_outcome(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "result.json"
    assert run(["execute", "inv-56-backwards", "--quiet", "--json", str(file)]) == Exit.VIOLATION
    said = capsys.readouterr().out
    assert said.startswith("inv-56-backwards: refused in the call that makes the step")
    assert said.count("\n") == 1
    result = json.loads(file.read_text(encoding="utf-8"))
    assert result["exit"]["code"] == Exit.VIOLATION
    (entry,) = result["obligations"]
    assert (entry["id"], entry["outcome"]) == ("inv-56-backwards/execute", "violated")


@pytest.mark.parametrize("outcome", Bridged)
def test_the_books_call_it_a_violation_only_where_both_sides_are_the_same_bug(
    outcome: Bridged,
) -> None:
    verdict = verdict_of(Execution("s1-1", outcome))
    assert (verdict.outcome is Outcome.VIOLATED) is outcome.is_met


def test_a_refusal_elsewhere_is_a_fault_and_leaves_no_result_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "result.json"
    swapped = {**BUGS, "s1-1": BUGS["inv-10-kept-reference"]}
    monkeypatch.setattr(execute_module, "BUGS", swapped)
    assert run(["execute", "s1-1", "--json", str(file)]) == Exit.TOOL_FAULT
    assert "step 3, not step 4" in capsys.readouterr().out
    assert not file.exists()
