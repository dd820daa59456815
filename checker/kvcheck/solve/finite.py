"""Induction at a stated size: the obligations of one action as questions to Z3.

It decides an action's obligations at the model's own sizes, one question each, all over one
encoding of the action; running many actions at once is for `parallel`. Before the step every
hypothesis holds. An invariant is asked about only where the action runs to its end, and an
assertion only where all checks before it passed: that is what the action means, and assumes
nothing unproved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import z3  # type: ignore[import-untyped]

from kvcheck.solve.answer import Answer, assertion_of, confirm_broken, inductive_finding
from kvcheck.solve.cells import scalar_in
from kvcheck.solve.finite_read import Reading
from kvcheck.solve.finite_run import Execution, execute
from kvcheck.solve.finite_state import Cells, fresh_state, state_in
from kvcheck.solve.numbers import Algebra, Bit, conjunction, negation
from kvcheck.solve.obligations import Obligation, ObligationKind, property_named
from kvcheck.solve.options import SolveOptions
from kvcheck.solve.question import Satisfiable, Unknown, Unsatisfiable, ask, better
from kvcheck.solve.wishes import wishes_for
from kvcheck.verdict import Outcome
from kvspec.lang.concrete import initial_states
from kvspec.lang.ir import Action, Assign, Model, Property, Push
from kvspec.lang.state import State, blank_state


class UntypedWrite(Exception):
    """A write can leave its type with no assertion in front of it: the tracer's fault."""


@dataclass(frozen=True, slots=True)
class EncodedAction:
    """One action from an unknown state in which the hypotheses hold."""

    model: Model
    action: Action
    hypotheses: tuple[Property, ...]
    algebra: Algebra
    before: Cells
    given: tuple[Bit, ...]
    run: Execution

    def refutation(self, goal: Obligation) -> Bit:
        """True of a step that breaks the obligation."""
        if goal.kind is ObligationKind.ASSERTION:
            return self.run.failed(assertion_of(self.model, goal))
        prop = property_named(self.model, goal.subject)
        kept = Reading(self.algebra, self.run.after, {}).bit(prop.formula)
        return conjunction(self.run.stepped, negation(kept))


def unknown_state(
    model: Model, hypotheses: Sequence[Property]
) -> tuple[Algebra, Cells, tuple[Bit, ...]]:
    """A state in a Z3 context of its own, and what is given of it: its types, the hypotheses."""
    algebra = Algebra(z3.Context())
    cells, well_formed = fresh_state(algebra, model, tag="")
    reading = Reading(algebra, cells, {})
    return algebra, cells, (well_formed, *(reading.bit(prop.formula) for prop in hypotheses))


def encode(model: Model, action: Action, hypotheses: Sequence[Property]) -> EncodedAction:
    """The action in a Z3 context of its own."""
    algebra, before, facts = unknown_state(model, hypotheses)
    run = execute(algebra, model, action, before)
    given = (*facts, run.well_typed)
    return EncodedAction(model, action, tuple(hypotheses), algebra, before, given, run)


def check_action(
    model: Model,
    action: Action,
    goals: Sequence[Obligation],
    hypotheses: Sequence[Property],
    options: SolveOptions,
    *,
    clock: Callable[[], float],
) -> Iterator[Answer]:
    """An answer for each goal, all of them about this action, as soon as it is there.

    Raises `NotReproduced` where a solution does not re-execute, and `UntypedWrite`.
    """
    encoded = encode(model, action, hypotheses)
    doubt = doubt_about_writes(encoded, options)
    for goal in goals:
        answer = check_goal(encoded, goal, options, clock=clock)
        yield _doubted(answer, doubt) if doubt else answer


def doubt_about_writes(encoded: EncodedAction, options: SolveOptions) -> str:
    """Why Z3 cannot say that every write stays in its type where all assertions pass, or "".

    Raises `UntypedWrite` where one does not.
    """
    for check in encoded.run.untyped_writes():
        statement = check.statement
        assert isinstance(statement, Assign | Push)
        broken = conjunction(check.before, negation(check.passed))
        at, name = statement.at, statement.variable.name
        where = f"{at.file}:{at.line}: {encoded.action.name} writes {name}"
        answer = ask(encoded.algebra, options, (broken, *encoded.given))
        if isinstance(answer, Satisfiable):
            raise UntypedWrite(f"{where} outside its type with no assertion in front")
        if isinstance(answer, Unknown):
            return f"{where}, perhaps outside its type: Z3 gave up: {answer.reason}"
    return ""


def _doubted(answer: Answer, doubt: str) -> Answer:
    if answer.outcome is not Outcome.HOLDS:
        return answer
    return replace(answer, outcome=Outcome.INCONCLUSIVE, reason=doubt)


def check_goal(
    encoded: EncodedAction,
    goal: Obligation,
    options: SolveOptions,
    *,
    clock: Callable[[], float],
) -> Answer:
    """Ask one question; a solution is made small, re-executed and only then believed."""
    begun = clock()
    refutation = encoded.refutation(goal)
    answer = ask(encoded.algebra, options, (refutation, *encoded.given))
    match answer:
        case Unsatisfiable(resources=resources):
            return Answer(goal, Outcome.HOLDS, clock() - begun, resources=resources)
        case Unknown(reason=reason, resources=resources):
            why = f"Z3 gave up after {clock() - begun:.1f} s: {reason}"
            seconds = clock() - begun
            return Answer(goal, Outcome.INCONCLUSIVE, seconds, why, resources=resources)
        case Satisfiable():
            return _violated(encoded, goal, options, answer, begun, clock)


def _violated(
    encoded: EncodedAction,
    goal: Obligation,
    options: SolveOptions,
    found: Satisfiable,
    begun: float,
    clock: Callable[[], float],
) -> Answer:
    model = encoded.model
    wishes = wishes_for(
        encoded.algebra,
        model,
        encoded.before,
        usual_state(model),
        encoded.run.arguments,
    )
    solution = better(found, options, wishes)
    before = state_in(solution, model, encoded.before)
    arguments = tuple(scalar_in(solution, argument) for argument in encoded.run.arguments)
    finding = inductive_finding(model, goal, before, arguments)
    confirm_broken(model, goal, finding, encoded.hypotheses)
    seconds = clock() - begun
    return Answer(goal, Outcome.VIOLATED, seconds, finding=finding, resources=found.resources)


def usual_state(model: Model) -> State:
    """The state that a small counterexample resembles: an initial one, if `init` makes any."""
    try:
        states = initial_states(model)
    except ValueError:  # init fails its own assertion, which is another obligation's answer
        states = ()
    return states[0] if states else blank_state(model)
