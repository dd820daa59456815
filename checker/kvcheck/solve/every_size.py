"""Proofs for every size: one obligation, one question to Z3, an answer that never overclaims.

It decides obligations of a model for all sizes of its sorts and all values of its named sizes at
once; it finds no counterexamples. Only `unsat` of the denied claim counts, as `holds`. A model
that Z3 offers instead may be no state of any size, so it is `inconclusive`, as a time-out is, and
a stated size is asked next. A construct without a meaning at every size is `not run`, and named.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import z3  # type: ignore[import-untyped]

from kvcheck.solve.answer import Answer
from kvcheck.solve.every_size_step import Question, Step
from kvcheck.solve.every_size_terms import NoEverySizeMeaning, Term
from kvcheck.solve.obligations import Obligation
from kvcheck.solve.parallel import Task
from kvcheck.verdict import Evidence, ObligationResult, Outcome, Verdict
from kvspec.lang.ir import Model

BOUND = "every size"
FIRST_ATTEMPT = 2_000_000  # of Z3's resources: ten times what the usual claim takes


@dataclass(frozen=True, slots=True, kw_only=True)
class EverySizeOptions:
    """How long and how hard to try; a limit of 0 is no limit.

    `resource_limit` is Z3's own count of work, the same on every machine; the time is a watchdog.
    """

    timeout_seconds: float = 20.0
    resource_limit: int = 30_000_000
    seed: int = 0


@dataclass(frozen=True, slots=True)
class EverySizeEngine:
    """Answers tasks, as `parallel.run_tasks` hands them out: one encoding for a whole action."""

    options: EverySizeOptions

    def answers(self, task: Task) -> Iterator[Answer]:
        """An answer for each goal of the task: `holds` means at every size."""
        clock = time.perf_counter
        start = clock()
        try:
            step = Step(task.model, task.action)
            flaw = self._first_flaw(step)
        except NoEverySizeMeaning as gap:
            for goal in task.goals:
                yield Answer(goal, Outcome.NOT_RUN, 0.0, _no_meaning(gap))
            return
        for goal in task.goals:
            outcome, reason, resources = self._decided(step, goal, flaw)
            yield Answer(goal, outcome, clock() - start, reason, None, resources)
            start = clock()

    def _first_flaw(self, step: Step) -> str:
        """Why values that the action writes may leave their types; empty where none can."""
        for question in step.type_questions():
            reply = ask(question, self.options)
            if reply.result != z3.unsat:
                what = f"a value that {step.action.name} writes may leave its type"
                return _why_not(what, reply)
        return ""

    def _decided(self, step: Step, goal: Obligation, flaw: str) -> tuple[Outcome, str, int]:
        if flaw:
            return Outcome.INCONCLUSIVE, flaw, 0
        resources = 0
        try:
            for question in step.questions(goal):
                reply = ask(question, self.options)
                resources += reply.resources
                if reply.result != z3.unsat:
                    what = f"{goal.subject} after {goal.action}"
                    return Outcome.INCONCLUSIVE, _why_not(what, reply), resources
        except NoEverySizeMeaning as gap:
            return Outcome.NOT_RUN, _no_meaning(gap), resources
        return Outcome.HOLDS, "", resources


def _no_meaning(gap: NoEverySizeMeaning) -> str:
    return f"it has no meaning at every size: {gap}"


def _why_not(what: str, reply: Reply) -> str:
    stopped = "" if reply.result == z3.sat else f" (Z3 stopped: {reply.reason})"
    return f"not proved for every size: {what}{stopped}"


def decide_every_size(
    model: Model, obligation: Obligation, options: EverySizeOptions
) -> ObligationResult:
    """Prove one obligation for every size, or say why not."""
    task = Task(model, obligation.action, (obligation,))
    (answer,) = EverySizeEngine(options).answers(task)
    evidence = Evidence.PROVED if answer.outcome is Outcome.HOLDS else Evidence.NONE
    verdict = Verdict(answer.outcome, evidence, BOUND, answer.reason)
    return ObligationResult(obligation.id, verdict, answer.seconds)


# ---- one question ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reply:
    """`z3.unsat`, `z3.sat` or `z3.unknown` with the reason; and the work it took."""

    result: z3.CheckSatResult
    reason: str
    resources: int


def ask(question: Question, options: EverySizeOptions) -> Reply:
    """Whether the claim follows: a short attempt, one with the further theorems, a long one.

    Most claims follow at once; of the rest, those about counts need the further theorems, which
    only slow the others down.
    """
    denied = z3.Not(question.claim)
    short = replace(options, resource_limit=_least(FIRST_ATTEMPT, options.resource_limit))
    reply = check([*question.facts, denied], short)
    if reply.result == z3.unsat:
        return reply
    second = check([*question.facts, *question.more(), denied], options)
    done = reply.resources + second.resources
    if second.result == z3.unsat or reply.result == z3.sat:
        return replace(second, resources=done)
    last = check([*question.facts, denied], options)
    return replace(last, resources=done + last.resources)


def _least(limit: int, other: int) -> int:
    """The smaller of two limits, where 0 is none."""
    return min(limit, other) if other else limit


def check(assertions: Sequence[Term], options: EverySizeOptions) -> Reply:
    """One question to a solver of its own, in a context of its own: no earlier one can sway it."""
    context = z3.Context()
    solver = z3.Solver(ctx=context)
    solver.set("random_seed", options.seed)
    if options.timeout_seconds:
        solver.set("timeout", int(options.timeout_seconds * 1000))
    if options.resource_limit:
        solver.set("rlimit", options.resource_limit)
    solver.add(*(assertion.translate(context) for assertion in assertions))
    result = solver.check()
    reason = solver.reason_unknown() if result == z3.unknown else ""
    return Reply(result, reason, _work(solver))


def _work(solver: z3.Solver) -> int:
    counts = {name: value for name, value in solver.statistics()}  # noqa: C416 (no mapping)
    return int(counts.get("rlimit count", 0))


def refuted(model: Model, action: str, options: EverySizeOptions) -> Reply:
    """Whether `false` follows from what is assumed of the action: then its proofs prove nothing.

    `z3.unsat` says that it does.
    """
    question = Step(model, action).contradiction()
    return check([*question.facts, *question.more()], options)
