"""Each thing to prove has one stable name, and the frame rule leaves out what nothing touches."""

from __future__ import annotations

from dataclasses import replace

from small_machines import INSIDE, X, at, both, fact, number, pair, queue

from kvcheck.solve.obligations import ObligationKind, assertions_of, proof_plan
from kvspec.lang.ir import BOOL, Literal, Operator, Read


def test_each_action_and_invariant_is_one_obligation():
    plan = proof_plan(queue())
    assert [goal.id for goal in plan.to_prove] == [
        "Queue/induction/start/in_or_waiting",
        "Queue/induction/start/counted",
        "Queue/induction/enter/the line is not empty",
        "Queue/induction/enter/waiting_count stays in 0..3",
        "Queue/induction/enter/in_or_waiting",
        "Queue/induction/enter/counted",
        "Queue/induction/leave/the line has room",
        "Queue/induction/leave/it does not wait already",
        "Queue/induction/leave/waiting_count stays in 0..3",
        "Queue/induction/leave/in_or_waiting",
        "Queue/induction/leave/counted",
    ]
    assert plan.by_framing == ()


def test_an_invariant_that_an_action_does_not_touch_is_proved_by_framing():
    model = queue()
    first = fact(
        "first_is_out",
        both(Operator.EQ, Read(INSIDE, (Literal(0, INSIDE.dims[0]),)), Literal(0, BOOL)),
    )
    alone = replace(model, properties=(first,), actions=model.actions[:1])
    untouched = replace(alone, properties=(fact("low", both(Operator.LE, number(0), Read(X, ()))),))
    assert [g.subject for g in proof_plan(alone).by_framing] == []
    assert [g.subject for g in proof_plan(untouched).by_framing] == ["low"]


def test_assertions_with_the_same_message_are_told_apart_and_equal_ones_are_one():
    model = pair()
    up = model.actions[0]
    moved = [replace(s, at=at(50)) for s in up.body[1:2]]
    twice = replace(up, body=(*up.body, *up.body[1:2], *moved))
    goals = proof_plan(replace(model, actions=(twice,))).to_prove
    subjects = [g.subject for g in goals if g.kind is ObligationKind.ASSERTION]
    assert subjects == ["x stays in 0..3", "y stays in 0..3", "x stays in 0..3 #2"]
    assert len(assertions_of(twice)) == 3
