"""A proof about nothing is reported: dead actions, empty facts, contradictions, false premises."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from small_machines import COUNT, X, Y, at, both, fact, number, pair, queue

from kvcheck.solve.options import SolveOptions
from kvcheck.solve.proof_cache import ProofCache
from kvcheck.solve.vacuity import check_for_vacuity
from kvcheck.verdict import Outcome
from kvspec.lang.ir import Literal, Operator, PropertyKind, Read, Require


def outcomes(model, cache=None, **options):
    result = check_for_vacuity(model, SolveOptions(**options), clock=count().__next__, cache=cache)
    return {o.id.partition("/vacuity/")[2]: o.verdict.outcome for o in result.obligations}


def violated(model):
    return [name for name, outcome in outcomes(model).items() if outcome is Outcome.VIOLATED]


def test_a_sound_machine_is_not_vacuous():
    assert set(outcomes(queue()).values()) == {Outcome.HOLDS}
    assert set(outcomes(pair()).values()) == {Outcome.HOLDS}


def test_an_action_that_no_good_state_enables_is_reported():
    model = pair()
    apart = Require("they differ", both(Operator.LT, Read(X, ()), Read(Y, ())), at(4))
    dead = replace(model.actions[0], name="never", body=(apart, *model.actions[0].body))
    assert violated(replace(model, actions=(*model.actions, dead))) == ["never/is enabled"]


def test_an_invariant_that_the_types_imply_is_reported():
    empty = fact("x_is_small", both(Operator.LE, Read(X, ()), number(3)))
    assert violated(pair(empty)) == ["the types/x_is_small"]


def test_invariants_that_contradict_each_other_are_reported():
    one, two = (fact(f"x_is_{n}", both(Operator.EQ, Read(X, ()), number(n))) for n in (1, 2))
    assert violated(pair(one, two)) == [
        "the invariants/the invariants together",
        "up/is enabled",
        "back/is enabled",
    ]


def test_a_goal_that_the_invariants_exclude_is_reported():
    low = fact("x_is_low", both(Operator.LE, Read(X, ()), number(1)))
    high = fact("x_is_high", both(Operator.EQ, Read(X, ()), number(2)), kind=PropertyKind.GOAL)
    assert "the invariants/x_is_high" in violated(pair(low, high))


def test_an_assumption_that_is_false_of_the_constants_is_reported():
    wrong = fact(
        "one_is_two",
        both(Operator.EQ, Literal(1, COUNT), Literal(2, COUNT)),
        kind=PropertyKind.ASSUMPTION,
    )
    assert "the constants/one_is_two" in violated(pair(wrong))


def test_too_little_work_is_inconclusive():
    assert Outcome.INCONCLUSIVE in set(outcomes(queue(), resource_limit=1).values())


def test_a_second_run_answers_from_the_cache(tmp_path):
    cache = ProofCache(tmp_path)
    first = outcomes(queue(), cache)
    again = check_for_vacuity(queue(), SolveOptions(), clock=count().__next__, cache=cache)
    assert all(result.from_cache for result in again.obligations)
    assert [o.verdict.outcome for o in again.obligations] == list(first.values())
