"""Proofs for every size: one obligation, one question to Z3, an answer that never overclaims.

It decides obligations of a model for all sizes of its sorts and all values of its named sizes at
once; it finds no counterexamples. Only `unsat` of the negated claim counts, as `proved, every
size`. A model that Z3 offers instead may be no state of any size, so it is `inconclusive` and a
stated size is asked next; so are time-outs. A construct without a meaning at every size is `not
run`, with what it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import z3  # type: ignore[import-untyped]

from kvcheck.solve.every_size_cardinality import change_facts, comparison_facts, sum_facts
from kvcheck.solve.every_size_goal import Claim, instances
from kvcheck.solve.every_size_reading import Reading
from kvcheck.solve.every_size_run import Goal, Run
from kvcheck.solve.every_size_state import arbitrary_state, blank_state, type_facts
from kvcheck.solve.every_size_terms import NoEverySizeMeaning, Term, conjunction, vocabulary
from kvcheck.solve.obligations import (
    Obligation,
    ObligationKind,
    action_named,
    assertions_of,
    inductive_properties,
    property_named,
)
from kvcheck.verdict import Evidence, ObligationResult, Outcome, Verdict
from kvspec.lang.ir import Model, PropertyKind

BOUND = "every size"


@dataclass(frozen=True, slots=True, kw_only=True)
class EverySizeOptions:
    """How long and how hard to try. `resource_max` is Z3's own measure, the same on any machine."""

    timeout_seconds: float = 20.0
    resource_max: int = 60_000_000
    seed: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class Question:
    """`claim` must follow from `facts`; `more` are further theorems, for a second attempt."""

    facts: tuple[Term, ...]
    claim: Term
    more: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """`z3.unsat`, `z3.sat` or `z3.unknown`, and why unknown."""

    result: z3.CheckSatResult
    reason: str


def decide_every_size(
    model: Model,
    obligation: Obligation,
    options: EverySizeOptions,
    clock: Callable[[], float] = time.perf_counter,
) -> ObligationResult:
    """Prove one obligation for every size, or say why not."""
    start = clock()
    try:
        verdict = _decide(model, obligation, options)
    except NoEverySizeMeaning as gap:
        verdict = Verdict(Outcome.NOT_RUN, Evidence.NONE, BOUND, f"no every-size meaning: {gap}")
    return ObligationResult(obligation.id, verdict, clock() - start)


def _decide(model: Model, obligation: Obligation, options: EverySizeOptions) -> Verdict:
    for question in questions(model, obligation):
        answer = ask(question, options)
        if answer.result == z3.unsat:
            continue
        if answer.result == z3.sat:
            why = f"{obligation.subject} is not proved for every size after {obligation.action}"
        else:
            why = f"Z3 gave up: {answer.reason}"
        return Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, BOUND, why)
    return Verdict(Outcome.HOLDS, Evidence.PROVED, BOUND)


def ask(question: Question, options: EverySizeOptions) -> Answer:
    """Whether the claim follows: a first attempt, then one with the further theorems."""
    denied = z3.Not(question.claim)
    answer = check([*question.facts, denied], options)
    if answer.result != z3.unsat and question.more:
        answer = check([*question.facts, *question.more, denied], options)
    return answer


def check(assertions: Sequence[Term], options: EverySizeOptions) -> Answer:
    """One question to a solver of its own, in a context of its own: no earlier one can sway it."""
    context = z3.Context()
    solver = z3.Solver(ctx=context)
    solver.set("timeout", int(options.timeout_seconds * 1000))
    solver.set("rlimit", options.resource_max)
    solver.set("random_seed", options.seed)
    solver.add(*(assertion.translate(context) for assertion in assertions))
    result = solver.check()
    reason = solver.reason_unknown() if result == z3.unknown else ""
    return Answer(result, reason)


# ---- what is asked -----------------------------------------------------------------------------


def questions(model: Model, obligation: Obligation) -> Iterator[Question]:
    """What must be proved for the obligation, one after the other."""
    step = Step(model, obligation.action)
    if obligation.kind is ObligationKind.ASSERTION:
        check_wanted = assertions_of(step.action)[obligation.number]
        for goal in step.run.goals:
            if goal.check == check_wanted:
                yield step.question(goal.condition, goal.known, ())
        return
    for goal in step.unchecked_writes():
        yield step.question(goal.condition, goal.known, ())
    prop = property_named(model, obligation.subject)
    claim = Claim(step.reading, prop.formula, step.run.state)
    yield step.question(claim.term, len(step.run.assumed), claim.chosen)


class Step:
    """One action (or `init`) run from an arbitrary state that satisfies the invariants."""

    def __init__(self, model: Model, action: str) -> None:
        self.model = model
        self.words = vocabulary(model)
        self.reading = Reading(self.words)
        self.action = action_named(model, action)
        self.is_init = action == model.init.name
        self.start = blank_state(self.words) if self.is_init else arbitrary_state(self.words)
        self.known = self._known_before()
        self.run = Run(self.reading, self.action, self.start)

    def _known_before(self) -> list[Term]:
        assumptions = self.model.of_kind(PropertyKind.ASSUMPTION)
        known = self.words.background()
        known += [self.reading.term(p.formula, self.start, {}) for p in assumptions]
        if not self.is_init:
            known += [type_facts(self.words, self.start, v) for v in self.model.variables]
            properties = inductive_properties(self.model)
            known += [self.reading.term(p.formula, self.start, {}) for p in properties]
        return known

    def unchecked_writes(self) -> list[Goal]:
        """Writes whose fitting their type is not asserted just before, word for word."""
        return [
            goal
            for goal in self.run.goals
            if goal.check is None and not _is_among(goal.condition, self.run.assumed[: goal.known])
        ]

    def question(self, claim: Term, known: int, chosen: Sequence[Term]) -> Question:
        """The claim, with all that is known when `known` of the run's assumptions have passed."""
        terms = [*self.run.terms_of_interest(), *chosen]
        nearby: list[Term] = []
        if not self.is_init:
            properties = inductive_properties(self.model)
            nearby = instances(self.reading, properties, self.start, terms)
        changes = change_facts(self.reading, self.run.points)
        counts = sum_facts(self.reading)
        facts = (*self.known, *self.run.assumed[:known], *self.reading.symbols.facts)
        more = comparison_facts(self.reading, (self.start, self.run.state))
        return Question((*facts, *counts, *changes, *nearby), claim, tuple(more))


def _is_among(condition: Term, assumed: Sequence[Term]) -> bool:
    wanted = _conjuncts(z3.simplify(condition))
    told = {part.get_id() for term in assumed for part in _conjuncts(z3.simplify(term))}
    return all(z3.is_true(part) or part.get_id() in told for part in wanted)


def _conjuncts(term: Term) -> list[Term]:
    if z3.is_and(term):
        return [part for child in term.children() for part in _conjuncts(child)]
    return [term]


def is_contradictory(model: Model, action: str, options: EverySizeOptions) -> Answer:
    """Whether `false` follows from what is assumed of the action: then its proofs prove nothing.

    `z3.unsat` says so; anything else is as it should be.
    """
    step = Step(model, action)
    question = step.question(z3.BoolVal(False), len(step.run.assumed), ())
    return check([*question.facts, *question.more, conjunction([])], options)
