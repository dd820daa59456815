"""Promises proved at the model's own sizes by the measure that they state: four questions to Z3.

It decides whether a measure does what it must; it searches for no loop, so what it refuses may be
kept all the same. The idea: the measure never rises while the promise is open, and always somebody
who is owed fairness can lower it, and stays able to until it is lower. So it goes down again and
again, which it cannot do for ever: at one size there are finitely many states. That is the rule of
Z. Manna and A. Pnueli for justice ("Completing the temporal picture", 1991), with who is to step
found by the solver. Strong fairness is used as weak fairness, which it implies, unless the promise
relies on another one that enables who is strongly fair again and again: the rule for compassion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from kvcheck.live.lasso import owed, steps_of
from kvcheck.live.measure import Actor, Breach, Rule, confirm, is_alike, relied_on
from kvcheck.solve.cells import fresh_scalar, scalar_in, scalar_of
from kvcheck.solve.engines import StatedSize
from kvcheck.solve.finite import unknown_state, usual_state
from kvcheck.solve.finite_read import Bound, Reading
from kvcheck.solve.finite_run import Execution, execute, execute_with
from kvcheck.solve.finite_state import Cells, state_in
from kvcheck.solve.numbers import (
    Bit,
    Number,
    Scalar,
    conjunction,
    disjunction,
    implication,
    negation,
)
from kvcheck.solve.obligations import ObligationKind, proof_plan
from kvcheck.solve.options import SolveOptions
from kvcheck.solve.proof_cache import ProofCache
from kvcheck.solve.prove import ProveOptions, ProveResult, prove
from kvcheck.solve.question import Satisfiable, Unknown, Unsatisfiable, ask, better
from kvcheck.solve.wishes import wishes_for
from kvcheck.trace.path import Move
from kvcheck.verdict import Evidence, Outcome, Verdict
from kvspec.lang.footprint import variables_read, variables_read_by, variables_written
from kvspec.lang.ir import Action, Let, Model, Promise, Property, Variable


@dataclass(frozen=True, slots=True)
class Ranked:
    """What the measure of one promise proves; `breach` is what refuses it, re-executed."""

    promise: Promise
    verdict: Verdict
    breach: Breach | None = None


def rank(
    model: Model,
    *,
    bound: str,
    options: SolveOptions,
    clock: Callable[[], float],
    is_time_up: Callable[[], bool] = lambda: False,
    jobs: int = 0,
    cache: ProofCache | None = None,
) -> tuple[Ranked, ...]:
    """Every promise of the model; what is assumed of states is proved by induction first.

    That is done in so many processes (0: in this one), and looked up in the cache.
    """
    if not any(promise.measures for promise in model.promises):
        return tuple(Ranked(p, _not_run(bound, NO_MEASURE)) for p in model.promises)
    engine, how = StatedSize(options, clock), ProveOptions(jobs=jobs)
    proved = prove(model, engine, how, clock=clock, cache=cache)
    names = {p.name for p in proved.properties if p.verdict.outcome is Outcome.HOLDS}
    hypotheses = tuple(p for p in model.properties if p.name in names)
    doubt = _unproved_assertion(model, proved)
    found: dict[str, Ranked] = {}
    for promise in sorted(model.promises, key=lambda p: bool(p.relies_on)):
        other = found.get(promise.relies_on)
        why = doubt
        if other is not None and other.verdict.outcome is not Outcome.HOLDS:
            why = f"{promise.relies_on}, on which it relies,"
        found[promise.name] = _ranked(model, promise, hypotheses, why, bound, options, is_time_up)
    return tuple(found[promise.name] for promise in model.promises)


NO_MEASURE = "it states no measure; `@eventually(…, measure=…)` gives it one"


def _not_run(bound: str, reason: str) -> Verdict:
    return Verdict(Outcome.NOT_RUN, Evidence.NONE, bound, reason)


def _unproved_assertion(model: Model, proved: ProveResult) -> str:
    """A step that fails its assertion is no step; so each assertion must be proved."""
    kinds = {goal.id: goal.kind for goal in proof_plan(model).to_prove}
    for result in proved.obligations:
        is_assertion = kinds.get(result.id) is ObligationKind.ASSERTION
        if is_assertion and result.verdict.outcome is not Outcome.HOLDS:
            return result.id
    return ""


def _ranked(
    model: Model,
    promise: Promise,
    hypotheses: Sequence[Property],
    doubt: str,
    bound: str,
    options: SolveOptions,
    is_time_up: Callable[[], bool],
) -> Ranked:
    def open_(reason: str, breach: Breach | None = None) -> Ranked:
        return Ranked(promise, Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, bound, reason), breach)

    if not promise.measures:
        return Ranked(promise, _not_run(bound, NO_MEASURE))
    if doubt:
        return open_(f"{doubt} is not proved")
    asked = _Asked(model, promise, tuple(hypotheses), options)
    if asked.is_never_made():
        reason = "no state that satisfies the invariants makes the promise"
        return Ranked(promise, _not_run(bound, reason))
    for question in asked.questions():
        if is_time_up():
            return open_("the time was up")
        found = question()
        if isinstance(found, Unknown):
            return open_(f"Z3 gave up: {found.reason}")
        if found is not None:
            confirm(model, promise, found, hypotheses)
            return open_(f"its measure is refused: it is not so that {found.rule.value}", found)
    count = len(hypotheses)
    lemmas = f"{count or 'no'} {'invariant' if count < 2 else 'invariants'}"
    other = f", {promise.relies_on}" if promise.relies_on else ""
    far = f"{bound}, by its measure{other} and {lemmas}"
    return Ranked(promise, Verdict(Outcome.HOLDS, Evidence.PROVED_AT_SIZE, far))


def _read_by_promise(promise: Promise) -> frozenset[Variable]:
    measured = (m.value for m in promise.measures)
    return variables_read_by(promise.begins) | variables_read(promise.formula, *measured)


@dataclass(slots=True)
class _There:
    """The promise in one symbolic state."""

    begun: Bit
    met: Bit
    rank: tuple[Number, ...]


@dataclass(slots=True)
class _Asked:
    """The questions about one promise."""

    model: Model
    promise: Promise
    hypotheses: tuple[Property, ...]
    options: SolveOptions
    actors: list[Actor] = field(init=False)
    here: _Here = field(init=False)
    _read_by: dict[str, frozenset[Variable]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.actors = owed(self.model, self.promise)
        self.here = _Here(self)

    def read_by(self, who: Actor) -> frozenset[Variable]:
        """What decides whether it is able: all that its steps and the promises read."""
        name, _ = who
        if name not in self._read_by:
            promises = (self.promise, relied_on(self.model, self.promise))
            read = [variables_read_by(action.body) for action in steps_of(self.model, name)]
            read += [_read_by_promise(promise) for promise in promises if promise is not None]
            self._read_by[name] = frozenset[Variable]().union(*read)
        return self._read_by[name]

    def is_never_made(self) -> bool:
        """Whether no state that satisfies the invariants makes the promise."""
        here = self.here
        found = ask(here.algebra, self.options, (*here.given, here.there.begun))
        return isinstance(found, Unsatisfiable)

    def questions(self) -> Iterator[Callable[[], Breach | Unknown | None]]:
        """The rule about states once, the rules about steps for each action."""
        yield self._somebody_able
        for action in self.model.actions:
            step = _Step(self.here, action)
            for rule in (Rule.STAYS_OPEN, Rule.NO_RISE, Rule.STAYS_ABLE):
                yield partial(step.breach, rule)

    def _somebody_able(self) -> Breach | Unknown | None:
        here = self.here
        able = disjunction(*(here.able_now(who) for who in self.actors))
        return here.found(Rule.SOMEBODY_ABLE, (negation(able),), None, None)


class _Here:
    """A state in which the hypotheses hold, with the promise in it; all questions are about it."""

    def __init__(self, asked: _Asked) -> None:
        self.asked = asked
        self._able_now: dict[Actor, Bit] = {}
        self.algebra, self.cells, given = unknown_state(asked.model, asked.hypotheses)
        drawn = [
            fresh_scalar(self.algebra, p.type, f"{asked.promise.name}.{p.name}")
            for p in asked.promise.parameters
        ]
        self.arguments = tuple(value for value, _ in drawn)
        self.given = (*given, *(fits for _, fits in drawn))
        self.there = self.promised(self.cells)
        self.is_open = conjunction(self.there.begun, negation(self.there.met))

    def promised(self, cells: Cells) -> _There:
        """The promise in these cells."""
        return self._read(self.asked.promise, cells)

    def _is_coming(self, cells: Cells) -> Bit:
        """Whether the promise that is relied on is open."""
        other = relied_on(self.asked.model, self.asked.promise)
        if other is None:
            return False
        there = self._read(other, cells)
        return conjunction(there.begun, negation(there.met))

    def _read(self, promise: Promise, cells: Cells) -> _There:
        names = (p.name for p in promise.parameters)
        bound: dict[str, Bound] = dict(zip(names, self.arguments, strict=False))
        reading, begun = Reading(self.algebra, cells, bound), []
        for statement in promise.begins:
            if isinstance(statement, Let):
                bound[statement.local.name] = reading.value(statement.value)
            else:
                begun.append(reading.bit(statement.condition))
        numbers = tuple(reading.number(measured.value) for measured in promise.measures)
        return _There(conjunction(*begun), reading.bit(promise.formula), numbers)

    def lower(self, new: Sequence[Number], old: Sequence[Number]) -> Bit:
        """Whether the first number that differs is smaller."""
        if not new:
            return False
        same = self.algebra.same_number(new[0], old[0])
        rest = conjunction(same, self.lower(new[1:], old[1:]))
        return disjunction(self.algebra.less(new[0], old[0]), rest)

    def same(self, new: Sequence[Number], old: Sequence[Number]) -> Bit:
        """Whether all numbers are the same."""
        pairs = zip(new, old, strict=True)
        return conjunction(*(self.algebra.same_number(a, b) for a, b in pairs))

    def able_now(self, who: Actor) -> Bit:
        """Whether it is able here."""
        if who not in self._able_now:
            self._able_now[who] = self.able(self.cells, self.there, who)
        return self._able_now[who]

    def able(self, cells: Cells, there: _There, who: Actor) -> Bit:
        """Whether it is or comes to be enabled, and each step meets it or lowers the measure."""
        name, arguments = who
        model = self.asked.model
        runs = [
            execute_with(self.algebra, model, action, cells, arguments)
            for action in steps_of(model, name)
        ]
        helps = []
        for run in runs:
            after = self.promised(run.after)
            good = disjunction(after.met, self.lower(after.rank, there.rank))
            helps.append(implication(run.stepped, good))
        in_time = [run.stepped for run in runs]
        if name in self.asked.promise.strong:
            in_time.append(self._is_coming(cells))
        return conjunction(disjunction(*in_time), *helps)

    def found(
        self, rule: Rule, bits: Sequence[Bit], action: Action | None, run: Execution | None
    ) -> Breach | Unknown | None:
        """A small state that breaks the rule, if there is one."""
        model, options = self.asked.model, self.asked.options
        answer = ask(self.algebra, options, (*self.given, self.is_open, *bits))
        if isinstance(answer, Unknown):
            return answer
        if not isinstance(answer, Satisfiable):
            return None
        drawn: tuple[Scalar, ...] = (*self.arguments, *(run.arguments if run else ()))
        wishes = wishes_for(self.algebra, model, self.cells, usual_state(model), drawn)
        solution = better(answer, options, wishes)
        move = None
        if action is not None and run is not None:
            move = Move(action.name, tuple(scalar_in(solution, a) for a in run.arguments))
        return Breach(
            rule,
            tuple(scalar_in(solution, a) for a in self.arguments),
            state_in(solution, model, self.cells),
            move,
        )


class _Step:
    """One action taken in that state, without meeting the promise."""

    def __init__(self, here: _Here, action: Action) -> None:
        self.here, self.asked, self.action = here, here.asked, action
        self.run = execute(here.algebra, here.asked.model, action, here.cells)
        self.after = here.promised(self.run.after)
        self.written = variables_written(action.body)
        self.taken = (self.run.well_typed, self.run.stepped, negation(self.after.met))

    def breach(self, rule: Rule) -> Breach | Unknown | None:
        """A step that breaks the rule, if there is one."""
        if rule is Rule.STAYS_OPEN:
            wrong = negation(self.after.begun)
        elif rule is Rule.NO_RISE:
            wrong = self.here.lower(self.here.there.rank, self.after.rank)
        else:
            wrong = self._loses_the_first()
        return self.here.found(rule, (*self.taken, wrong), self.action, self.run)

    def _loses_the_first(self) -> Bit:
        """The measure is the same, and who was the first to be able is so no more."""
        nobody_before: Bit = True
        lost = []
        for able, gone in self._in_order():
            lost.append(conjunction(nobody_before, able, gone))
            nobody_before = conjunction(nobody_before, negation(able))
        same = self.here.same(self.after.rank, self.here.there.rank)
        return conjunction(same, disjunction(*lost))

    def _in_order(self) -> Iterator[tuple[Bit, Bit]]:
        """Of each actor whether it is able, and whether not so after the step; as `first_able`.

        Whom the promise is about is not known, so an actor comes twice: in its place if the promise
        is about it, and in any case behind those.
        """
        asked = self.asked
        for is_strong in (False, True):
            actors = [who for who in asked.actors if (who[0] in asked.promise.strong) is is_strong]
            bits = [(self.here.able_now(who), self._is_gone(who)) for who in actors]
            for who, (able, gone) in zip(actors, bits, strict=True):
                if is_alike(asked.model, asked.promise, who):
                    yield conjunction(self._is_about(who), able), gone
            yield from bits

    def _is_gone(self, who: Actor) -> Bit:
        """Whether it is not able after the step; where the step writes nothing of it, as before."""
        if self.written.isdisjoint(self.asked.read_by(who)):
            return negation(self.here.able_now(who))
        return negation(self.here.able(self.run.after, self.after, who))

    def _is_about(self, who: Actor) -> Bit:
        """Whether the promise is about just what the actor is about."""
        kinds = (p.type for p in self.asked.promise.parameters)
        pairs = zip(kinds, self.here.arguments, who[1], strict=True)
        same = self.here.algebra.same
        return conjunction(*(same(scalar, scalar_of(kind, value)) for kind, scalar, value in pairs))
