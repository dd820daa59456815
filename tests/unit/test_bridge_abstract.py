"""Refused runs of wrong managers, taken in the designs with the same bug and with another."""

from __future__ import annotations

import msgspec
import pytest

from kvcheck.bridge.abstract import Lifted, abstract, lifted, refused_moves
from kvcheck.bridge.execute import model_of
from kvcheck.fuzz.runner import run_case
from kvcheck.fuzz.showcase import WRONG_QUEUE
from kvspec.models import MACHINES


@pytest.mark.parametrize("bug", ["s1-1", "inv-07-half-swap"])
def test_a_refused_run_fails_in_the_design_with_the_same_bug(bug: str) -> None:
    case = msgspec.structs.replace(WRONG_QUEUE, manager=bug)
    failure = run_case(case).failure
    assert failure is not None
    assert failure.kind == "refused"
    found = abstract(case, bug)
    assert found.outcome is Lifted.FAILS
    assert [move.action for move in found.moves] == [
        "allocate",
        "commit",
        "release",
        "offload_allocate",
    ]
    assert 0 < found.shortest <= len(found.moves)


def test_the_right_design_does_not_fail_on_the_same_steps() -> None:
    moves = refused_moves(WRONG_QUEUE)
    right = model_of(MACHINES["tiers"], {"P": 1, "S": 1, "R": 2, "T": 2})
    assert lifted(right, moves) == (Lifted.HOLDS, "")


def test_a_run_that_the_design_does_not_admit_says_which_guard() -> None:
    moves = refused_moves(WRONG_QUEUE)
    right = model_of(MACHINES["tiers"], {"P": 1, "S": 1, "R": 2, "T": 2})
    outcome, why = lifted(right, moves[1:])
    assert outcome is Lifted.DISABLED
    assert why == "step 1, commit: the request holds it"


def test_a_right_manager_gives_no_run() -> None:
    case = msgspec.structs.replace(WRONG_QUEUE, manager="blocks")
    assert abstract(case, "s1-1").outcome is Lifted.NOT_REFUSED


def test_a_bug_of_another_machine_is_declined() -> None:
    with pytest.raises(ValueError, match="Only runs of one task"):
        abstract(WRONG_QUEUE, "s1-5")
