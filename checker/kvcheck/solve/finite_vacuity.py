"""Whether proofs at a stated size mean anything, as questions to Z3 whose `sat` is the good answer.

It decides one vacuity obligation at a time. What Z3 finds is a state (and arguments) that the
concrete evaluator must agree with; what it does not find makes the obligation violated, because
a proof about nothing is a fault of the spec.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import z3  # type: ignore[import-untyped]

from kvcheck.solve.answer import Answer
from kvcheck.solve.cells import scalar_in
from kvcheck.solve.finite_read import Reading
from kvcheck.solve.finite_run import execute
from kvcheck.solve.finite_state import Cells, fresh_state, state_in
from kvcheck.solve.numbers import Algebra, Bit, Scalar, Term, conjunction, negation
from kvcheck.solve.obligations import (
    TOGETHER,
    Obligation,
    ObligationKind,
    action_named,
    inductive_properties,
    property_named,
)
from kvcheck.solve.options import SolveOptions
from kvcheck.solve.question import Satisfiable, Unknown, Unsatisfiable, ask
from kvcheck.trace.path import NotReproduced
from kvcheck.verdict import Outcome
from kvspec.lang.concrete import Disabled, holds, step
from kvspec.lang.ir import Model, Property
from kvspec.lang.state import State, blank_state

WHY = {
    ObligationKind.ENABLED: "no state that satisfies the invariants enables it",
    ObligationKind.REFUTABLE: "every well-typed state satisfies it, so it says nothing",
    ObligationKind.POSSIBLE: "no state satisfies it and the invariants",
    ObligationKind.ASSUMED: "it is false of this instance's constants",
}


@dataclass(frozen=True, slots=True)
class _Search:
    """What to look for: the bits that must be true, and the arguments to read back."""

    wanted: Bit
    arguments: tuple[Scalar, ...] = ()


@dataclass(frozen=True, slots=True)
class _Ground:
    model: Model
    algebra: Algebra
    cells: Cells
    well_formed: Bit

    def facts(self, properties: Sequence[Property]) -> Bit:
        reading = Reading(self.algebra, self.cells, {})
        return conjunction(*(reading.bit(prop.formula) for prop in properties))


def check_vacuity(
    model: Model,
    goals: Sequence[Obligation],
    options: SolveOptions,
    *,
    clock: Callable[[], float],
) -> Iterator[Answer]:
    """An answer for each vacuity obligation; raises `NotReproduced`."""
    algebra = Algebra(z3.Context())
    cells, well_formed = fresh_state(algebra, model, tag="")
    ground = _Ground(model, algebra, cells, well_formed)
    for goal in goals:
        begun = clock()
        if goal.kind is ObligationKind.ASSUMED:
            is_true = holds(model, property_named(model, goal.subject), blank_state(model))
            yield _answer(goal, is_true, clock() - begun)
            continue
        search = _search(ground, goal)
        match ask(algebra, options, (search.wanted, well_formed)):
            case Unsatisfiable():
                yield _answer(goal, False, clock() - begun)
            case Unknown(reason=reason):
                why = f"Z3 gave up: {reason}"
                yield Answer(goal, Outcome.INCONCLUSIVE, clock() - begun, why)
            case Satisfiable(solution=solution):
                _confirm(ground, goal, search, solution)
                yield _answer(goal, True, clock() - begun)


def _answer(goal: Obligation, is_well: bool, seconds: float) -> Answer:
    if is_well:
        return Answer(goal, Outcome.HOLDS, seconds)
    return Answer(goal, Outcome.VIOLATED, seconds, WHY[goal.kind])


def _search(ground: _Ground, goal: Obligation) -> _Search:
    model = ground.model
    invariants = inductive_properties(model)
    if goal.kind is ObligationKind.ENABLED:
        action = action_named(model, goal.action)
        run = execute(ground.algebra, model, action, ground.cells)
        enabled = conjunction(ground.facts(invariants), run.well_typed, negation(run.disabled()))
        return _Search(enabled, run.arguments)
    if goal.subject == TOGETHER:
        return _Search(ground.facts(invariants))
    prop = property_named(model, goal.subject)
    if goal.kind is ObligationKind.REFUTABLE:
        return _Search(negation(ground.facts((prop,))))
    return _Search(ground.facts((*invariants, prop)))


def _confirm(ground: _Ground, goal: Obligation, search: _Search, solution: Term) -> None:
    model = ground.model
    state = state_in(solution, model, ground.cells)
    if goal.kind is ObligationKind.REFUTABLE:
        _agree(goal, not holds(model, property_named(model, goal.subject), state))
        return
    _agree(goal, all(holds(model, prop, state) for prop in inductive_properties(model)))
    if goal.kind is ObligationKind.ENABLED:
        _agree(goal, _is_enabled(ground, goal, search, solution, state))
    elif goal.subject != TOGETHER:
        _agree(goal, holds(model, property_named(model, goal.subject), state))


def _is_enabled(
    ground: _Ground, goal: Obligation, search: _Search, solution: Term, state: State
) -> bool:
    arguments = tuple(scalar_in(solution, value) for value in search.arguments)
    action = action_named(ground.model, goal.action)
    return not isinstance(step(ground.model, state, action, arguments), Disabled)


def _agree(goal: Obligation, agrees: bool) -> None:
    if not agrees:
        raise NotReproduced(f"{goal.id}: the concrete evaluator does not confirm Z3's state")
