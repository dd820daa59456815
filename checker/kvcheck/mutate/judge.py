"""Who notices a mutant: a search, a known bug that is no longer found, or a proof that fails.

It decides which check, of those that the suite runs, tells a mutant from the design, cheapest
first; it makes no mutants. The idea: a weaker guard must be caught by a search or a proof of the
mutant itself, a weaker invariant by the bugs that it is there to catch or the proofs it carries.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from kvcheck.explore import AfterViolation, Engine, ExploreResult, Options, explore
from kvcheck.mutate.mutants import Mutant, Place, property_mutants
from kvcheck.solve.every_size import EverySizeEngine, EverySizeOptions
from kvcheck.solve.obligations import Obligation, proof_plan
from kvcheck.solve.parallel import Task
from kvcheck.verdict import Outcome
from kvspec.bugs import Bug
from kvspec.lang.ir import Model

SEARCH_STATES_MAX = 20_000
RESOURCES_MAX = 10_000_000  # of Z3's own measure; the designs' obligations take under a million


class Notice(Enum):
    """How a mutant is noticed. `COUNT`: only by the known number of states; `NOBODY`: not at all.

    `MISSED`: a known bug is not found at all; `CHANGED`: it is found, but not by this property or
    not as soon.
    """

    SEARCH = "a search finds a violation"
    PROOF = "an obligation is not proved"
    MISSED = "a known bug is not found"
    CHANGED = "a known bug no longer breaks it, or later"
    COUNT = "the number of states is another"
    NOBODY = "nothing"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of one mutant; `by` names the finding, obligation or bug."""

    notice: Notice
    by: str


def judge(
    mutant: Mutant, hunting_grounds: Sequence[tuple[Model, Model]], bugs: Iterable[Bug]
) -> Judgement:
    """The first check that notices the mutant.

    `hunting_grounds` are small instances: of the mutant for a guard's, and of the right design.
    """
    if mutant.place is Place.GUARD:
        return _judge_guard(mutant, hunting_grounds)
    return _judge_property(mutant, bugs)


def _judge_guard(mutant: Mutant, grounds: Sequence[tuple[Model, Model]]) -> Judgement:
    for wrong, _ in grounds:
        for one in _searched(wrong, AfterViolation.STOP).findings:
            found = one.finding
            by = f"{found.kind.value} {found.name} in {len(found.path.moves)} steps"
            return Judgement(Notice.SEARCH, by)
    plan = proof_plan(mutant.model)
    unproved = first_unproved(mutant.model, (o for o in plan.to_prove if o.action == mutant.owner))
    if unproved is not None:
        return Judgement(Notice.PROOF, f"{unproved.action}/{unproved.subject}")
    for wrong, right in grounds:
        counts = [_searched(m, AfterViolation.STOP).states for m in (wrong, right)]
        if counts[0] != counts[1]:
            return Judgement(Notice.COUNT, f"{counts[0]} states, not {counts[1]}")
    return Judgement(Notice.NOBODY, "")


def _judge_property(mutant: Mutant, bugs: Iterable[Bug]) -> Judgement:
    changed: list[str] = []
    for bug in bugs:
        if mutant.owner not in bug.breaks:
            continue
        lengths = _lengths(bug.machine.instance(**dict(bug.sizes)))
        mutated = _lengths(_bug_without(bug, mutant))
        if not mutated:
            return Judgement(Notice.MISSED, bug.id)
        if mutated != lengths:
            changed.append(bug.id)
    if changed:
        return Judgement(Notice.CHANGED, ", ".join(changed))
    unproved = first_unproved(mutant.model, proof_plan(mutant.model).to_prove)
    if unproved is not None:
        return Judgement(Notice.PROOF, f"{unproved.action}/{unproved.subject}")
    return Judgement(Notice.NOBODY, "")


def _bug_without(bug: Bug, mutant: Mutant) -> Model:
    """The bug's own instance, with its property weakened as the mutant's is."""
    return next(
        one.model
        for one in property_mutants(bug.machine.instance(**dict(bug.sizes)))
        if (one.owner, one.number) == (mutant.owner, mutant.number)
    )


def _lengths(model: Model) -> dict[str, int]:
    found = _searched(model, AfterViolation.CONTINUE).findings
    return {one.finding.name: len(one.finding.path.moves) for one in found}


def _searched(model: Model, after: AfterViolation) -> ExploreResult:
    options = Options(engine=Engine.PYTHON, after_violation=after, states_max=SEARCH_STATES_MAX)
    return explore(model, options)


def first_unproved(model: Model, obligations: Iterable[Obligation]) -> Obligation | None:
    """The first obligation that is not proved for every size.

    Initiation is left out: taking a conjunct out of a fact or a guard cannot make a start worse.
    """
    engine = EverySizeEngine(EverySizeOptions(resource_limit=RESOURCES_MAX))
    goals: dict[str, list[Obligation]] = {}
    for obligation in obligations:
        if obligation.action != model.init.name:
            goals.setdefault(obligation.action, []).append(obligation)
    for action, mine in goals.items():
        for answer in engine.answers(Task(model, action, tuple(mine))):
            if answer.outcome is not Outcome.HOLDS:
                return answer.obligation
    return None
