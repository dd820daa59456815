"""Initiation at a stated size: every initial state is made and looked at, with no solver.

It decides whether `init` establishes the invariants and keeps its own assertions. What it finds is
a violation that a run of no steps shows, not a counterexample to induction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kvcheck.solve.answer import Answer, assertion_of
from kvcheck.solve.obligations import Obligation, ObligationKind, property_named
from kvcheck.trace.path import Finding, FindingKind, Path
from kvcheck.verdict import Outcome
from kvspec.lang.concrete import Failed, Stepped, arguments_of, holds, step
from kvspec.lang.ir import Assert, Model
from kvspec.lang.state import State, blank_state


def check_initiation(
    model: Model, obligations: Sequence[Obligation], *, clock: Callable[[], float]
) -> tuple[Answer, ...]:
    """An answer for each obligation about `init`; every initial state is made once."""
    states, failures = _starts(model)
    return tuple(_answer(model, goal, states, failures, clock) for goal in obligations)


def _starts(model: Model) -> tuple[tuple[State, ...], tuple[Assert, ...]]:
    states: dict[State, None] = {}
    failures: dict[Assert, None] = {}
    for arguments in arguments_of(model.init):
        outcome = step(model, blank_state(model), model.init, arguments)
        if isinstance(outcome, Stepped):
            states[outcome.state] = None
        elif isinstance(outcome, Failed):
            failures[outcome.check] = None
    return tuple(states), tuple(failures)


def _answer(
    model: Model,
    goal: Obligation,
    states: tuple[State, ...],
    failures: tuple[Assert, ...],
    clock: Callable[[], float],
) -> Answer:
    begun = clock()
    if goal.kind is ObligationKind.ASSERTION:
        if assertion_of(model, goal) in failures:
            reason = f"init itself fails the assertion: {goal.subject}"
            return Answer(goal, Outcome.VIOLATED, clock() - begun, reason)
        return Answer(goal, Outcome.HOLDS, clock() - begun)
    if not states:
        reason = "init makes no state, so nothing is shown"
        return Answer(goal, Outcome.INCONCLUSIVE, clock() - begun, reason)
    prop = property_named(model, goal.subject)
    for state in states:
        if not holds(model, prop, state):
            finding = Finding(FindingKind.INVARIANT, prop.name, Path(state, ()))
            return Answer(goal, Outcome.VIOLATED, clock() - begun, finding=finding)
    return Answer(goal, Outcome.HOLDS, clock() - begun)
