"""Vacuity: whether the proofs about a model could have failed, and whether they are about anything.

It decides that each action can happen under the invariants, that each invariant excludes some
well-typed state, that the invariants allow a state and each goal, and that the assumptions are true
of the instance. A violation here is a fault of the spec, at its own sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from kvcheck.solve.answer import Answer
from kvcheck.solve.engines import size_bound, without_watchdog
from kvcheck.solve.kept_answers import KeptAnswers
from kvcheck.solve.obligations import Obligation, vacuity_plan
from kvcheck.solve.options import SolveOptions
from kvcheck.solve.parallel import Fault, Task, run_tasks
from kvcheck.solve.proof_cache import ProofCache
from kvcheck.verdict import Evidence, ObligationResult, Outcome, Verdict
from kvspec.lang.ir import Model

GOALS_A_TASK_MAX = 12


@dataclass(frozen=True, slots=True)
class VacuityEngine:
    """Answers vacuity obligations; loads Z3 when it is first asked."""

    options: SolveOptions
    clock: Callable[[], float]

    def key(self) -> str:
        """Its name and every option that an answer depends on."""
        return f"vacuity {without_watchdog(self.options)!r}"

    def answers(self, task: Task) -> Iterator[Answer]:
        """An answer for each goal of the task."""
        from kvcheck.solve.finite_vacuity import check_vacuity

        yield from check_vacuity(task.model, task.goals, self.options, clock=self.clock)


@dataclass(frozen=True, slots=True)
class VacuityResult:
    """One result an obligation, in the plan's order."""

    model: str
    obligations: tuple[ObligationResult, ...]
    faults: tuple[Fault, ...]
    warnings: tuple[str, ...]
    interrupted: bool


def check_for_vacuity(
    model: Model,
    options: SolveOptions,
    *,
    clock: Callable[[], float],
    jobs: int = 0,
    watchdog_seconds: float = 300.0,
    cache: ProofCache | None = None,
    only: Collection[tuple[str, str]] | None = None,
) -> VacuityResult:
    """Check every vacuity obligation of a model, or those of these (place, subject) only."""
    engine = VacuityEngine(options, clock)
    kept = KeptAnswers(cache, engine.key())
    wanted = vacuity_plan(model)
    plan = [goal for goal in wanted if only is None or (goal.action, goal.subject) in only]
    known = {answer.obligation: answer for answer in kept.known(model, plan)}
    todo = [goal for goal in plan if goal not in known]
    tasks = [
        Task(model, "", tuple(todo[start : start + GOALS_A_TASK_MAX]))
        for start in range(0, len(todo), GOALS_A_TASK_MAX)
    ]
    batch = run_tasks(
        tasks,
        engine,
        jobs=jobs,
        watchdog_seconds=watchdog_seconds,
        clock=clock,
        observe=lambda answer: kept.keep(model, answer),
    )
    answers = known | {answer.obligation: answer for answer in batch.answers}
    faults = {fault.obligation: fault.message for fault in batch.faults}
    bound = size_bound(model)
    results = (
        _result(goal, answers.get(goal), faults.get(goal, ""), bound, goal in known)
        for goal in plan
    )
    return VacuityResult(
        model.name,
        tuple(results),
        batch.faults,
        (*kept.warnings, *(cache.warnings if cache else ())),
        batch.interrupted,
    )


def _result(
    goal: Obligation, answer: Answer | None, fault: str, bound: str, from_cache: bool
) -> ObligationResult:
    if answer is None:
        why = f"tool fault: {fault}" if fault else "interrupted"
        return ObligationResult(goal.id, Verdict(Outcome.NOT_RUN, Evidence.NONE, bound, why), 0.0)
    is_well = answer.outcome is Outcome.HOLDS
    evidence = Evidence.PROVED_AT_SIZE if is_well else Evidence.NONE
    verdict = Verdict(answer.outcome, evidence, bound, answer.reason)
    return ObligationResult(goal.id, verdict, answer.seconds, from_cache=from_cache)
