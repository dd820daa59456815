"""Refused runs of wrong managers, taken in the designs with the same bug and with another."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from command_lines import Kvproof, Ran

from kvcheck.bridge import abstract as abstract_module
from kvcheck.bridge.abstract import Lifted, abstract, lifted, refused_run
from kvcheck.bridge.execute import known_bugs, model_of
from kvcheck.bridge.lifting import Lift
from kvcheck.bridge.readings import READINGS
from kvcheck.cli.entry import run
from kvcheck.fuzz import draw
from kvcheck.fuzz.case import Allocate, BeginStep, Case, Sizes
from kvcheck.fuzz.corpus import Corpus
from kvcheck.fuzz.runner import run_case
from kvcheck.fuzz.showcase import FILLED, WRONG_QUEUE
from kvcheck.verdict import Exit
from kvimpl.blocks import BlockPool
from kvspec.bugs import BUGS as DESIGN_BUGS
from kvspec.models import MACHINES

RUNS_MAX = 300
DRAWN = draw.SIZES[:4] + draw.WITH_PRIORITIES[:1]


@dataclass(frozen=True)
class Back:
    "The seed whose first refused case is a run of the design, and what fails in it there."

    seed: int
    failing: str


BACK = {
    "inv-03-queued-in-flight": Back(1, "queued_is_unused"),
    "inv-07-half-swap": Back(1, "slots_distinct"),
    "inv-10-kept-reference": Back(1, "references_counted"),
    "inv-11-forgotten": Back(1, "idle_is_queued"),
    "inv-12-reused-in-host": Back(1, "held_in_primary"),
    "inv-28-compute-too-early": Back(1, "conflicts_are_ordered"),
    "inv-56-backwards": Back(1, "copy_is_the_pair_s"),
    "kv-001": Back(1, "queued_is_unused"),
    "s1-1": Back(1, "remove of what is not in free"),
    "s1-4-uncounted-pin": Back(2, "counters_count"),
    "s1-4-wrong-level": Back(1, "counters_count"),
    "s1-5": Back(2, "queued_is_unreferenced"),
    "s1-5-kept": Back(5, "unpinned_as_if_never_pinned"),
    "s1-5-moved": Back(2, "pinned_slots_stay_put"),
    "s1-6": Back(2, "favours_end"),
    "s1-6-expires-in-use": Back(7, "only_free_blocks_expire"),
    "s1-6-unworthy": Back(8, "host_memory_is_for_the_worthy"),
}


@cache
def refused(bug: str, seed: int) -> Case:
    "The first case that is refused of those that are drawn from this seed."
    rng = random.Random(seed)
    for _ in range(RUNS_MAX):
        case = draw.fresh(rng, sizes=DRAWN, manager=bug)
        failure = run_case(case).failure
        if failure is not None and failure.kind == "refused":
            return case
    raise AssertionError(f"{bug} was not refused in {RUNS_MAX} drawn cases")


@pytest.mark.parametrize("bug", BACK)
def test_a_drawn_run_is_a_run_of_the_wrong_design_and_fails_there(bug: str) -> None:
    found = abstract(refused(bug, BACK[bug].seed), bug)

    assert (found.outcome, found.failing) == (Lifted.FAILS, BACK[bug].failing)
    assert 0 < found.shortest <= len(found.moves), "the search finds the bug, and no later"
    assert found.right is not None
    assert not found.is_right_failing


@pytest.mark.parametrize("bug", known_bugs())
@pytest.mark.parametrize("seed", [3])
def test_any_drawn_run_is_a_run_of_the_design_or_says_why_not(bug: str, seed: int) -> None:
    if bug == "s1-5-moved" or DESIGN_BUGS[bug].design not in READINGS:
        return  # needs many runs, and has its row above
    found = abstract(refused(bug, seed), bug)

    assert not found.is_right_failing
    if found.outcome is Lifted.NO_RUN:
        assert found.failing
    else:
        assert found.moves


def test_every_bug_known_on_both_sides_has_its_row() -> None:
    assert set(BACK) <= set(known_bugs())
    assert {DESIGN_BUGS[bug].design for bug in BACK} == set(READINGS)


SAID = {
    ("s1-5", 1): "reuse: in the design nobody holds a block for its content",
    ("s1-6", 5): "pin: the design has no readers",
    ("s1-6-expires-in-use", 3): "onboard: in the design nothing comes back from host memory",
}


@pytest.mark.parametrize(("bug", "seed"), SAID)
def test_a_step_that_the_design_has_no_word_for_is_said(bug: str, seed: int) -> None:
    found = abstract(refused(bug, seed), bug)
    assert (found.outcome, found.failing) == (Lifted.NO_RUN, SAID[bug, seed])


@pytest.mark.parametrize("bug", ["s1-1", "inv-07-half-swap"])
def test_a_refused_run_fails_in_the_design_with_the_same_bug(bug: str) -> None:
    case = msgspec.structs.replace(WRONG_QUEUE, manager=bug)
    found = abstract(case, bug)
    assert found.outcome is Lifted.FAILS
    assert [move.action for move in found.moves] == [
        "allocate",
        "commit",
        "release",
        "offload_allocate",
    ]


@pytest.mark.parametrize("bug", BACK)
def test_a_run_is_of_no_other_bug_of_the_same_design(bug: str) -> None:
    others = [b for b in BACK if b != bug and DESIGN_BUGS[b].design == DESIGN_BUGS[bug].design]
    case = refused(bug, BACK[bug].seed)
    found = {other: abstract(case, other).outcome for other in others}
    assert Lifted.FAILS not in found.values(), found


def lifts_of(case: Case) -> tuple[Lift, ...]:
    run = refused_run(case, READINGS["tiers"])
    assert run is not None
    return run.lifts


SMALL = {"P": 1, "S": 1, "R": 2, "T": 2}


def test_the_right_design_does_not_fail_on_the_same_steps() -> None:
    """The bug is inside the step, which ends as it should."""
    ending = lifted(model_of(MACHINES["tiers"], SMALL), lifts_of(WRONG_QUEUE))
    assert (ending.outcome, ending.failing) == (Lifted.HOLDS, "")


def test_a_run_that_the_design_does_not_admit_says_which_guard() -> None:
    ending = lifted(model_of(MACHINES["tiers"], SMALL), lifts_of(WRONG_QUEUE)[1:])
    assert ending.outcome is Lifted.NO_RUN
    assert ending.failing == "step 1, commit: the request holds it"


def test_a_state_that_is_not_what_was_shown_is_no_run() -> None:
    lifts = lifts_of(WRONG_QUEUE)
    assert lifts[0].shown is not None
    other = replace(lifts[0], shown=lifts[0].shown._replace(refs=(0, 1)))
    ending = lifted(model_of(MACHINES["tiers"], SMALL), (other, *lifts[1:]))
    assert ending.outcome is Lifted.NO_RUN
    assert (
        ending.failing == "step 1, allocate: the manager shows refs (0, 1), the design has (1, 0)"
    )


def test_a_right_manager_gives_no_run() -> None:
    case = msgspec.structs.replace(WRONG_QUEUE, manager="blocks")
    assert abstract(case, "s1-1").outcome is Lifted.NOT_REFUSED


def test_where_the_default_is_not_worth_a_copy_the_design_begins_without_what_it_owes() -> None:
    """Found by shrinking: at these priorities the right design's own invariant is false at once."""
    sizes = Sizes(1, 1, priority_count=2, default_priority=0, offload_priority_min=1)
    case = Case(sizes, ((*FILLED, *WRONG_QUEUE.tasks[0][6:]),), "host-first", "s1-6-unworthy")
    found = abstract(case, "s1-6-unworthy")
    assert found.outcome is Lifted.HOLDS
    assert found.right is not None
    assert found.right.failing == "step 3, offload_allocate: it is worth a copy"


def test_a_bug_of_a_machine_without_a_reading_is_declined() -> None:
    other = next(b.id for b in DESIGN_BUGS.values() if b.design not in READINGS)
    with pytest.raises(ValueError, match="put into the words of"):
        abstract(WRONG_QUEUE, other)


def test_a_reading_in_the_wrong_words_is_no_proof_of_a_bug(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Planted: the steps of a reader are left out, so the run is another one and fails nowhere."""
    deaf = replace(
        READINGS["pins"],
        lift=lambda heard: (
            one for one in READINGS["pins"].lift(heard) if one.move.action != "pin"
        ),
    )
    monkeypatch.setattr(abstract_module, "READINGS", {**READINGS, "pins": deaf})
    assert abstract(refused("s1-5", 2), "s1-5").outcome is not Lifted.FAILS


def test_a_refused_refusal_is_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """The manager says that a guard is false which holds."""
    own = BlockPool.refuse

    def other(self: BlockPool, action: str, guard: str, **more: Any) -> None:
        own(self, action, "the stream takes one more copy", **more)

    monkeypatch.setattr(BlockPool, "refuse", other)
    calls = (BeginStep(), Allocate(0), Allocate(1))
    found = abstract(Case(Sizes(1), (calls,), "eager"), "s1-1")
    assert found.outcome is Lifted.NO_RUN
    assert found.failing.startswith("the manager is refused at Refuse(")
    assert found.failing.endswith(", and that is no step")


# ---- the command


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Kvproof:
    "The command line in an empty folder, on the shipped designs and bugs."
    monkeypatch.chdir(tmp_path)

    def ran(*arguments: str) -> Ran:
        return Ran(run(("abstract", *arguments)), *capsys.readouterr())

    return ran


def kept(folder: Path, case: Case) -> Path:
    ran = run_case(case)
    assert ran.failure is not None
    path = Corpus(folder).add(case, ran)
    assert path is not None
    return path


def test_the_command_says_the_run_and_exits_1(command: Kvproof, tmp_path: Path) -> None:
    ran = command(str(kept(tmp_path, WRONG_QUEUE)))
    assert ran.code == Exit.VIOLATION
    assert "s1-1: a run of the wrong design, and it fails: remove of what is not in free" in ran.out
    assert "  4. offload_allocate(1, 1)" in ran.out
    assert "  the right design has the run, and nothing fails" in ran.out
    assert "  the search's own run to a failure has 4 steps" in ran.out


def test_the_command_replays_the_recorded_order_of_several_tasks(
    command: Kvproof, tmp_path: Path
) -> None:
    case = refused("s1-5-moved", 2)
    assert len(case.tasks) > 1
    ran = command(str(kept(tmp_path, case)), "--quiet")
    assert ran.code == Exit.VIOLATION
    assert ran.out.startswith("s1-5-moved: a run of the wrong design, and it fails")


@pytest.mark.parametrize(
    ("bug", "code", "says"),
    [
        ("s1-5", Exit.INCONCLUSIVE, "s1-5: a run of the wrong design, and nothing fails"),
        ("inv-07-half-swap", Exit.INCONCLUSIVE, "no run of the wrong design: step 4, offload_all"),
        (
            "s1-11",
            Exit.USAGE,
            "Did you mean s1-1? Name one with --bug; it is a bug of tiers, pins,",
        ),
    ],
)
def test_a_case_is_taken_in_the_design_that_is_named(
    command: Kvproof, tmp_path: Path, bug: str, code: Exit, says: str
) -> None:
    ran = command(str(kept(tmp_path, WRONG_QUEUE)), "--bug", bug)
    assert ran.code == code
    assert says in ran.out + ran.err


def test_a_right_design_that_fails_too_is_a_fault_of_the_tool(
    command: Kvproof, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {**MACHINES, "tiers": DESIGN_BUGS["s1-1"].machine}
    monkeypatch.setattr(abstract_module, "MACHINES", wrong)
    ran = command(str(kept(tmp_path, WRONG_QUEUE)))
    assert ran.code == Exit.TOOL_FAULT
    assert "the right design fails on the same steps: remove of what is not in free" in ran.err


def test_a_file_that_is_no_case_exits_4(command: Kvproof, tmp_path: Path) -> None:
    (tmp_path / "torn.json").write_text('{"schema"')
    assert command("torn.json").code == Exit.USAGE
