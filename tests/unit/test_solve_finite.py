"""Induction at a stated size proves what is inductive and shows the step that breaks the rest."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
from small_machines import X, Y, both, drift, fact, number, pair, queue

from kvcheck.solve.answer import confirm_broken
from kvcheck.solve.finite import UntypedWrite, check_action
from kvcheck.solve.initiation import check_initiation
from kvcheck.solve.obligations import inductive_properties, proof_plan
from kvcheck.solve.options import Logic, SolveOptions
from kvcheck.trace.path import FindingKind, NotReproduced, Start
from kvcheck.verdict import Outcome
from kvspec.lang.concrete import holds
from kvspec.lang.ir import Operator, Read


def still():
    return 0.0


def answers(model, options=None):
    found = {}
    facts = inductive_properties(model)
    for action in model.actions:
        goals = [g for g in proof_plan(model).to_prove if g.action == action.name]
        for answer in check_action(
            model, action, goals, facts, options or SolveOptions(), clock=still
        ):
            found[f"{answer.obligation.action}/{answer.obligation.subject}"] = answer
    return found


@pytest.mark.parametrize("logic", list(Logic))
def test_an_inductive_machine_is_proved(logic):
    for model in (pair(), queue()):
        found = answers(model, SolveOptions(logic=logic))
        assert {a.outcome for a in found.values()} == {Outcome.HOLDS}, found


def test_a_wrong_invariant_names_the_action_that_breaks_it():
    found = answers(queue(count_on_leave=False))
    broken = [name for name, a in found.items() if a.outcome is Outcome.VIOLATED]
    assert broken == ["leave/counted"]
    finding = found["leave/counted"].finding
    assert (finding.kind, finding.name, finding.start) == (
        FindingKind.INVARIANT,
        "counted",
        Start.ANYWHERE,
    )
    assert [move.action for move in finding.path.moves] == ["leave"]


def test_a_failing_assertion_is_shown_from_a_state_that_satisfies_the_invariants():
    model = pair(fact("anything", both(Operator.LE, Read(X, ()), number(3))))
    found = answers(model)["up/y stays in 0..3"]
    assert found.outcome is Outcome.VIOLATED
    assert (found.finding.kind, found.finding.name) == (FindingKind.ASSERTION, "up")
    assert found.finding.message == "y stays in 0..3"


def test_a_counterexample_to_induction_differs_little_from_the_initial_state():
    found = answers(pair(fact("apart", both(Operator.LE, Read(Y, ()), Read(X, ()))), step_of_y=2))
    assert found["up/apart"].finding.path.start == ((0,), (0,))


def test_a_counterexample_to_induction_may_be_unreachable_and_keeps_its_name():
    found = answers(drift())["tick/y_is_low"]
    assert found.outcome is Outcome.VIOLATED
    assert found.is_counterexample_to_induction
    start = found.finding.path.start
    assert holds(drift(), drift().properties[0], start)
    assert start[0][0] > 1


def test_a_finding_that_does_not_re_execute_is_a_fault():
    model = queue(count_on_leave=False)
    answer = answers(model)["leave/counted"]
    other = replace(answer.finding, path=replace(answer.finding.path, start=((), (0,), (0, 0, 0))))
    with pytest.raises(NotReproduced, match="leave/counted"):
        confirm_broken(model, answer.obligation, other, inductive_properties(model))


def test_work_beyond_the_limit_is_inconclusive_and_never_a_pass():
    found = answers(queue(), SolveOptions(resource_limit=1))
    outcomes = {a.outcome for a in found.values()}
    assert Outcome.INCONCLUSIVE in outcomes
    assert Outcome.VIOLATED not in outcomes
    assert all(a.reason for a in found.values() if a.outcome is Outcome.INCONCLUSIVE)


def test_a_write_outside_its_type_without_an_assertion_is_a_fault():
    model = pair()
    up = model.actions[0]
    bare = replace(up, body=tuple(s for s in up.body if "stays" not in getattr(s, "message", "")))
    with pytest.raises(UntypedWrite, match=r"small.py:7: up writes y"):
        answers(
            replace(
                model,
                actions=(bare,),
                properties=(fact("x", both(Operator.LE, number(0), Read(X, ()))),),
            )
        )


def test_the_initial_states_are_looked_at_one_by_one():
    wrong = fact("x_is_one", both(Operator.EQ, Read(X, ()), number(1)))
    model = pair(wrong)
    goals = [g for g in proof_plan(model).to_prove if g.action == model.init.name]
    (answer,) = check_initiation(model, goals, clock=count().__next__)
    assert answer.outcome is Outcome.VIOLATED
    assert not answer.is_counterexample_to_induction
    assert answer.finding.path.moves == ()


def test_without_work_to_make_it_small_a_counterexample_is_still_real():
    found = answers(queue(count_on_leave=False), SolveOptions(minimise_work=0))
    assert found["leave/counted"].outcome is Outcome.VIOLATED
