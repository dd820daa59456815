"""A wrong theorem, planted among those that every-size proofs use, is false of some state.

Each plant replaces one schema by one that is nearly right. If none of them were caught, the check
of the axioms would be worth nothing.
"""

from __future__ import annotations

from random import Random

import pytest
import z3
from counted_shelf import CountedShelf
from drawn_designs import drawn_state, met_states
from every_size_case import Case

from kvcheck.solve import every_size_cardinality, every_size_reading, every_size_state
from kvcheck.solve.every_size_step import Step
from kvspec.lang.concrete import arguments_of


def false_theorems(action: str) -> int:
    """How many theorems are false in some of many states."""
    model, random = CountedShelf.instance(R=1, LOANS=1), Random(3)
    states = [drawn_state(model, random) for _ in range(8)]
    states += met_states(model, random, 5)
    case = Case(Step(model, action))
    arguments = list(arguments_of(case.one.action))
    found = set()
    for state in states:
        real = case.structure(state, random.choice(arguments), random)
        found |= {n for n, theorem in enumerate(case.theorems) if not real.value(theorem)}
    return len(found)


def counts_stay_below_the_size(monkeypatch):
    real = every_size_state.counted_facts

    def wrong(words, state, variable, index):
        count = state[variable.name, every_size_state.COUNT](*index)
        most = every_size_state.capacity(words, variable)
        return z3.And(real(words, state, variable, index), count < most)

    monkeypatch.setattr(every_size_state, "counted_facts", wrong)


def no_change_without_points(monkeypatch):
    monkeypatch.setattr(every_size_cardinality, "total", lambda parts: z3.IntVal(0))


def every_point_is_new(monkeypatch):
    real = every_size_cardinality.choice

    def wrong(condition, yes, no):
        return yes if z3.is_int_value(no) and no.as_long() == 0 else real(condition, yes, no)

    monkeypatch.setattr(every_size_cardinality, "choice", wrong)


def families_need_not_be_disjoint(monkeypatch):
    monkeypatch.setattr(every_size_cardinality, "_are_disjoint", lambda family: z3.BoolVal(True))


def all_matchings_are_one_to_one(monkeypatch):
    real = every_size_cardinality._into

    def wrong(matching, family, target):
        x = z3.Const("x!", family[0].sort)
        lands = every_size_cardinality.for_all(
            [x],
            every_size_cardinality.implication(
                every_size_cardinality._some(family, x), target.has(matching.of(x))
            ),
        )
        if matching.source == matching.target:
            return real(matching, family, target)
        return z3.Implies(lands, every_size_cardinality._sum(family) <= target.count)

    monkeypatch.setattr(every_size_cardinality, "_into", wrong)


def reaching_is_not_needed(monkeypatch):
    monkeypatch.setattr(
        every_size_cardinality,
        "_onto",
        lambda matching, family, target: target.count <= every_size_cardinality._sum(family),
    )


def a_count_is_positive(monkeypatch):
    real = every_size_cardinality._facts_of_one

    def wrong(reading, instance):
        yield from real(reading, instance)
        yield instance.term > 0

    monkeypatch.setattr(every_size_cardinality, "_facts_of_one", wrong)


def the_front_is_any_member(monkeypatch):
    monkeypatch.setattr(
        every_size_reading,
        "implication",
        lambda premise, conclusion: (
            conclusion if "ticket" in str(conclusion) else z3.Implies(premise, conclusion)
        ),
    )


PLANTS = (
    (counts_stay_below_the_size, "lend"),
    (no_change_without_points, "lend"),
    (every_point_is_new, "lend"),
    (families_need_not_be_disjoint, "lend"),
    (all_matchings_are_one_to_one, "swap"),
    (reaching_is_not_needed, "lend"),
    (a_count_is_positive, "lend"),
    (the_front_is_any_member, "lend"),
)


@pytest.mark.parametrize("action", ["lend", "give_back", "swap", "wear"])
def test_theorems_of_the_shelf_are_true_without_a_plant(action):
    assert false_theorems(action) == 0


@pytest.mark.parametrize(("plant", "action"), PLANTS)
def test_planted_wrong_theorem_is_false_of_some_state(plant, action, monkeypatch):
    plant(monkeypatch)
    assert false_theorems(action) > 0
