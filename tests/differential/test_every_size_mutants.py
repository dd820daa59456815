"""What is proved for every size of a mutant, right or wrong, no small step violates.

Each mutant of the shelf lacks one statement, or has one condition turned round. Its obligations
are decided, and the proved ones are tried on every step from every state found in which all its
invariants hold: reachable ones of the mutant and of the design, and those one cell away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest
from counted_shelf import CountedShelf
from drawn_designs import drawn_state

from kvcheck.solve.every_size import EverySizeEngine, EverySizeOptions
from kvcheck.solve.obligations import (
    ObligationKind,
    assertions_of,
    inductive_properties,
    proof_plan,
    property_named,
)
from kvcheck.solve.parallel import Task
from kvcheck.verdict import Outcome
from kvspec.lang.concrete import Failed, Stepped, arguments_of, holds, initial_states, step
from kvspec.lang.ir import BOOL, Action, Apply, Assert, If, Model, Operator, Require, Statement
from kvspec.lang.state import State

OPTIONS = EverySizeOptions(timeout_seconds=20, resource_limit=300_000)
MUTANTS = 4


def without_one(body: tuple[Statement, ...]) -> Iterator[tuple[Statement, ...]]:
    """The body with one statement left out or turned round."""
    for place, statement in enumerate(body):
        before, after = body[:place], body[place + 1 :]
        if isinstance(statement, Require):
            turned = Apply(Operator.NOT, (statement.condition,), BOOL)
            yield (*before, replace(statement, condition=turned), *after)
        if isinstance(statement, If):
            yield (*before, *statement.then, *after)
        if not isinstance(statement, Assert) and not hasattr(statement, "local"):
            yield (*before, *after)


def mutants(model: Model) -> list[tuple[Model, Action]]:
    found = []
    for place, action in enumerate(model.actions):
        for body in without_one(action.body):
            mutant = replace(action, body=body)
            actions = (*model.actions[:place], mutant, *model.actions[place + 1 :])
            found.append((replace(model, actions=actions), mutant))
    return found


def inductive_states(model: Model, origin: Model, random: Random) -> list[State]:
    """States in which every invariant of the model holds."""
    properties = inductive_properties(model)
    met = set(initial_states(model))
    frontier = list(met)
    while frontier and len(met) < 200:
        state = frontier.pop(0)
        for source in (model, origin):
            for action in source.actions:
                arguments = random.choice(list(arguments_of(action)))
                outcome = step(source, state, action, arguments)
                if isinstance(outcome, Stepped) and outcome.state not in met:
                    met.add(outcome.state)
                    frontier.append(outcome.state)
    for state in sorted(met)[:150]:
        other = drawn_state(model, random)
        place = random.randrange(len(state))
        met.add((*state[:place], other[place], *state[place + 1 :]))
    return [s for s in sorted(met) if all(holds(model, p, s) for p in properties)]


def violated(model: Model, action: Action, states: list[State]) -> set[str]:
    """The obligations of the action that some step from one of the states breaks."""
    checks = assertions_of(action)
    found = set()
    for state in states:
        for arguments in arguments_of(action):
            outcome = step(model, state, action, arguments)
            if isinstance(outcome, Failed):
                found.add(f"assertion {checks.index(outcome.check)}")
            elif isinstance(outcome, Stepped):
                for prop in inductive_properties(model):
                    if not holds(model, prop, outcome.state):
                        found.add(prop.name)
    return found


@pytest.mark.parametrize("part", range(MUTANTS))
def test_what_is_proved_of_a_mutant_no_small_step_violates(part):
    random, origin = Random(part), CountedShelf.instance(R=1, LOANS=1)
    model, action = mutants(origin)[part::MUTANTS][0]
    goals = tuple(g for g in proof_plan(model).to_prove if g.action == action.name)
    answers = EverySizeEngine(OPTIONS).answers(Task(model, action.name, goals))
    proved = {a.obligation for a in answers if a.outcome is Outcome.HOLDS}
    broken = violated(model, action, inductive_states(model, origin, random))
    names = {
        f"assertion {g.number}"
        if g.kind is ObligationKind.ASSERTION
        else property_named(model, g.subject).name
        for g in proved
    }
    assert names & broken == set()
    assert proved or broken


def test_mutants_are_many_and_some_step_breaks_most():
    origin = CountedShelf.instance(R=1, LOANS=1)
    every = mutants(origin)
    assert len(every) >= MUTANTS
    random = Random(0)
    broken = [
        bool(violated(model, action, inductive_states(model, origin, random)))
        for model, action in every[::6]
    ]
    assert sum(broken) >= 2
