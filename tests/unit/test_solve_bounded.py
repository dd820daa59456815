"""Bounded checking finds the shortest violation, and k-induction proves what one step does not."""

from __future__ import annotations

from itertools import count

import pytest
from small_machines import BLOCK, INSIDE, WAITING_COUNT, X, both, drift, fact, number, pair, queue

from kvcheck.solve.bounded import Assertions, check_bounded
from kvcheck.solve.kinduction import SimplePaths, prove_by_k_induction
from kvcheck.solve.options import Logic, SolveOptions
from kvcheck.trace.path import FindingKind, Start
from kvcheck.verdict import Evidence, Outcome
from kvspec.lang.ir import BOOL, Literal, Operator, Read


def bounded(model, depth, **options):
    return check_bounded(model, depth, SolveOptions(**options), clock=count(0.0, 0.001).__next__)


@pytest.mark.parametrize("logic", list(Logic))
def test_no_violation_within_a_depth_is_bounded_evidence(logic):
    result = bounded(queue(), 5, logic=logic)
    assert result.verdict.evidence is Evidence.BOUNDED
    assert result.verdict.bound == "Block=3, depth 5"


def test_the_violation_found_is_a_shortest_one():
    few = fact("two_wait", both(Operator.LE, number(1), Read(WAITING_COUNT, ())))
    result = bounded(queue(extra=(few,)), 8)
    assert (result.finding.kind, result.finding.name) == (FindingKind.INVARIANT, "two_wait")
    assert [m.action for m in result.finding.path.moves] == ["enter", "enter", "enter"]
    assert result.depth == 2
    assert len(result.states) == 4


def test_a_failing_assertion_is_found_with_its_message():
    low = fact("x_is_low", both(Operator.LE, Read(X, ()), number(3)))
    result = bounded(pair(low, step_of_y=2), 8)
    assert result.finding.message == "y stays in 0..3"
    assert [m.action for m in result.finding.path.moves] == ["up", "up"]


def test_assertions_can_be_left_out():
    low = fact("x_is_low", both(Operator.LE, Read(X, ()), number(3)))
    result = check_bounded(
        pair(low, step_of_y=2),
        4,
        SolveOptions(),
        clock=count().__next__,
        assertions=Assertions.LEFT_OUT,
    )
    assert result.finding is None


def test_a_violation_in_an_initial_state_has_no_moves():
    wrong = fact("inside", both(Operator.EQ, Read(INSIDE, (Literal(0, BLOCK),)), Literal(1, BOOL)))
    result = bounded(queue(extra=(wrong,)), 3)
    assert result.finding.path.moves == ()
    assert result.finding.start is Start.INITIAL


def test_a_limit_of_work_is_inconclusive_at_the_depth_reached():
    result = bounded(queue(), 30, resource_limit=3000)
    assert result.verdict.outcome is Outcome.INCONCLUSIVE
    assert 0 <= result.depth < 30
    assert "Z3 gave up" in result.reason


def test_time_that_is_up_is_inconclusive():
    result = check_bounded(queue(), 30, SolveOptions(timeout_seconds=3), clock=count().__next__)
    assert result.verdict.outcome is Outcome.INCONCLUSIVE


def k_induction(model, names, k_max, **options):
    return prove_by_k_induction(
        model, names, k_max, SolveOptions(), clock=count(0.0, 0.001).__next__, **options
    )


def test_what_one_step_does_not_keep_two_do():
    one = k_induction(drift(), ["y_is_low"], 1)
    assert one.outcome is Outcome.INCONCLUSIVE
    assert one.finding.start is Start.ANYWHERE
    assert len(one.states) == 2
    two = k_induction(drift(), ["y_is_low"], 2)
    assert (two.outcome, two.k) == (Outcome.HOLDS, 2)
    assert two.verdict.evidence is Evidence.PROVED_AT_SIZE


def test_k_induction_of_a_false_property_shows_a_run_from_the_start():
    low = fact("x_is_low", both(Operator.LE, Read(X, ()), number(2)))
    result = k_induction(pair(low), ["x_is_low"], 5, simple_paths=SimplePaths.REQUIRED)
    assert result.outcome is Outcome.VIOLATED
    assert result.finding.start is Start.INITIAL
    assert len(result.finding.path.moves) == 3


def test_a_lemma_makes_a_property_inductive_at_once():
    alone = k_induction(queue(), ["in_or_waiting"], 1, assertions=Assertions.CHECKED)
    assert alone.outcome is Outcome.INCONCLUSIVE
    helped = k_induction(queue(), ["in_or_waiting"], 1, lemmas=["counted"])
    assert (helped.outcome, helped.k) == (Outcome.HOLDS, 1)
