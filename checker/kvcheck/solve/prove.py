"""Prove a model's invariants together: every obligation, the cache, and what follows for each one.

It decides what a set of answers establishes. An obligation is proved under the assumption that all
invariants held before the step, so that one that fails takes the others' proofs with it: those are
proved again without it, until what is left carries itself. Only that is reported as proved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from kvcheck.solve.answer import Answer
from kvcheck.solve.engines import InductionEngine
from kvcheck.solve.kept_answers import KeptAnswers
from kvcheck.solve.obligations import (
    INDUCTIVE_KINDS,
    Obligation,
    ObligationKind,
    inductive_properties,
    proof_plan,
)
from kvcheck.solve.parallel import Fault, Observer, Task, run_tasks
from kvcheck.solve.proof_cache import ProofCache
from kvcheck.trace.path import Finding
from kvcheck.verdict import Evidence, ObligationResult, Outcome, Verdict
from kvspec.lang.ir import Model, PropertyKind

NO_EVIDENCE = Evidence.NONE
GOALS_A_TASK_MAX = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveOptions:
    """How to run a proof: processes (0: this one), how many cache hits to solve again, the time
    after which a silent worker is stopped (0: never)."""

    jobs: int = 2
    audit_hits: int = 0
    watchdog_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class Broken:
    """A violated obligation and the step that shows it."""

    obligation: Obligation
    finding: Finding


@dataclass(frozen=True, slots=True)
class PropertyResult:
    """What is established of one invariant or lemma, with all obligations taken together."""

    name: str
    kind: PropertyKind
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ProveResult:
    """Everything a proof came to. `obligations` is in the model's order, framed ones included.

    `faults` names obligations on which the tool failed, `solved` and `from_cache` count answers.
    """

    model: str
    obligations: tuple[ObligationResult, ...]
    properties: tuple[PropertyResult, ...]
    broken: tuple[Broken, ...]
    faults: tuple[Fault, ...]
    warnings: tuple[str, ...]
    interrupted: bool
    seconds: float
    framed: int
    solved: int
    from_cache: int

    @property
    def is_proved(self) -> bool:
        """Whether every obligation and so every invariant is proved."""
        return (
            bool(self.obligations)
            and not self.faults
            and not self.interrupted
            and all(o.verdict.outcome is Outcome.HOLDS for o in self.obligations)
        )


@dataclass(slots=True)
class _Round:
    """The answers of one set of hypotheses."""

    model: Model
    answers: dict[Obligation, Answer] = field(default_factory=dict)
    cached: set[Obligation] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    framed: tuple[Obligation, ...] = ()
    interrupted: bool = False

    def unproved_properties(self) -> frozenset[str]:
        """The properties with an obligation that is not proved."""
        plan = proof_plan(self.model)
        return frozenset(
            goal.subject
            for goal in plan.to_prove
            if goal.kind is not ObligationKind.ASSERTION and not self.holds(goal)
        )

    def holds(self, goal: Obligation) -> bool:
        """Whether the goal was answered so."""
        answer = self.answers.get(goal)
        return answer is not None and answer.outcome is Outcome.HOLDS


def prove(
    model: Model,
    engine: InductionEngine,
    options: ProveOptions,
    *,
    clock: Callable[[], float],
    cache: ProofCache | None = None,
    observe: Observer | None = None,
) -> ProveResult:
    """Prove all obligations of a model with one engine."""
    begun = clock()
    kept = KeptAnswers(cache, engine.key(), audit_hits=options.audit_hits)
    first = _one_round(model, engine, options, kept, clock, observe)
    last, faults = first, list(first.faults)
    while not last.interrupted and last.unproved_properties():
        last = _one_round(
            _without(last.model, last.unproved_properties()), engine, options, kept, clock, observe
        )
        faults += last.faults
    warnings = (*kept.warnings, *(cache.warnings if cache else ()))
    plan = proof_plan(model)
    answered = [first.answers[goal] for goal in plan.to_prove if goal in first.answers]
    return ProveResult(
        model=model.name,
        obligations=_obligation_results(model, engine, first, last),
        properties=_property_results(model, engine, first, last),
        broken=tuple(Broken(a.obligation, a.finding) for a in answered if a.finding),
        faults=tuple(faults),
        warnings=warnings,
        interrupted=first.interrupted or last.interrupted,
        seconds=clock() - begun,
        framed=len(plan.by_framing),
        solved=len(answered) - len(first.cached),
        from_cache=len(first.cached),
    )


def _without(model: Model, names: frozenset[str]) -> Model:
    kept = (p for p in model.properties if p.kind not in INDUCTIVE_KINDS or p.name not in names)
    return replace(model, properties=tuple(kept))


def _one_round(
    model: Model,
    engine: InductionEngine,
    options: ProveOptions,
    kept: KeptAnswers,
    clock: Callable[[], float],
    observe: Observer | None,
) -> _Round:
    plan = proof_plan(model)
    found = _Round(model, framed=plan.by_framing)
    for answer in kept.known(model, plan.to_prove):
        found.answers[answer.obligation] = answer
        found.cached.add(answer.obligation)
        if observe:
            observe(answer)
    todo = [goal for goal in plan.to_prove if goal not in found.answers]

    def keep(answer: Answer) -> None:
        kept.keep(model, answer)
        if observe:
            observe(answer)

    batch = run_tasks(
        _tasks(model, todo),
        engine,
        jobs=options.jobs,
        watchdog_seconds=options.watchdog_seconds,
        clock=clock,
        observe=keep,
    )
    found.answers |= {answer.obligation: answer for answer in batch.answers}
    found.faults += [*batch.faults, *kept.disagreements(batch.answers)]
    found.interrupted = batch.interrupted
    return found


def _tasks(model: Model, goals: Sequence[Obligation]) -> list[Task]:
    """The goals by action, a few at a time, so that the work divides well."""
    tasks = []
    for action in (model.init, *model.actions):
        mine = [goal for goal in goals if goal.action == action.name]
        for start in range(0, len(mine), GOALS_A_TASK_MAX):
            tasks.append(Task(model, action.name, tuple(mine[start : start + GOALS_A_TASK_MAX])))
    return tasks


# ---- what the answers establish ------------------------------------------------------------------


def _obligation_results(
    model: Model, engine: InductionEngine, first: _Round, last: _Round
) -> tuple[ObligationResult, ...]:
    plan = proof_plan(model)
    dropped = _dropped(model, last)
    framed = set(plan.by_framing)
    results = []
    for goal in (*plan.to_prove, *plan.by_framing):
        if goal in framed:
            verdict = Verdict(Outcome.HOLDS, engine.evidence, engine.bound(model))
            detail = "the action writes nothing that the property reads"
            results.append(ObligationResult(goal.id, verdict, 0.0, detail=detail))
        else:
            results.append(_result(model, engine, goal, first, last, dropped))
    order = {goal.id: n for n, goal in enumerate(_in_model_order(model))}
    return tuple(sorted(results, key=lambda result: order[result.id]))


def _in_model_order(model: Model) -> list[Obligation]:
    plan = proof_plan(model)
    goals = [*plan.to_prove, *plan.by_framing]
    actions = {action.name: n for n, action in enumerate((model.init, *model.actions))}
    names = {p.name: n for n, p in enumerate(inductive_properties(model))}

    def place(goal: Obligation) -> tuple[int, int, int]:
        is_assertion = goal.kind is ObligationKind.ASSERTION
        return (
            actions[goal.action],
            goal.number if is_assertion else len(names) + 10**6,
            -1 if is_assertion else names[goal.subject],
        )

    return sorted(goals, key=place)


def _dropped(model: Model, last: _Round) -> tuple[str, ...]:
    left = {p.name for p in inductive_properties(last.model)} - last.unproved_properties()
    return tuple(p.name for p in inductive_properties(model) if p.name not in left)


def _result(
    model: Model,
    engine: InductionEngine,
    goal: Obligation,
    first: _Round,
    last: _Round,
    dropped: tuple[str, ...],
) -> ObligationResult:
    bound, answer = engine.bound(model), first.answers.get(goal)
    if answer is None:
        faults = [fault.message for fault in first.faults if fault.obligation == goal]
        why = f"tool fault: {faults[0]}" if faults else "interrupted"
        return ObligationResult(goal.id, Verdict(Outcome.NOT_RUN, NO_EVIDENCE, bound, why), 0.0)
    outcome, reason = answer.outcome, answer.reason
    is_initial = goal.kind is ObligationKind.INITIATION
    if outcome is Outcome.HOLDS and dropped and not is_initial and not last.holds(goal):
        outcome = Outcome.INCONCLUSIVE
        reason = f"holds only as long as these do, which are not proved: {', '.join(dropped)}"
    evidence = engine.evidence if outcome is Outcome.HOLDS else NO_EVIDENCE
    return ObligationResult(
        goal.id,
        Verdict(outcome, evidence, bound, reason),
        answer.seconds,
        from_cache=goal in first.cached,
        counterexample_to_induction=answer.is_counterexample_to_induction,
    )


def _property_results(
    model: Model, engine: InductionEngine, first: _Round, last: _Round
) -> tuple[PropertyResult, ...]:
    dropped = _dropped(model, last)
    results = []
    for prop in inductive_properties(model):
        if prop.name not in dropped and not last.interrupted:
            verdict = Verdict(Outcome.HOLDS, engine.evidence, engine.bound(model))
        else:
            verdict = _not_established(model, engine, prop.name, first)
        results.append(PropertyResult(prop.name, prop.kind, verdict))
    return tuple(results)


def _not_established(model: Model, engine: InductionEngine, name: str, first: _Round) -> Verdict:
    bound = engine.bound(model)
    mine = [a for goal, a in first.answers.items() if goal.subject == name]
    real = [a for a in mine if a.outcome is Outcome.VIOLATED and _is_real(a)]
    if real:
        return Verdict(Outcome.VIOLATED, NO_EVIDENCE, bound, "false in an initial state")
    steps = [a.obligation.action for a in mine if a.outcome is not Outcome.HOLDS]
    by = f" by {', '.join(steps)}" if steps else ", once what is not proved is left out"
    return Verdict(Outcome.INCONCLUSIVE, NO_EVIDENCE, bound, f"not shown to be kept{by}")


def _is_real(answer: Answer) -> bool:
    return answer.finding is not None and not answer.is_counterexample_to_induction
