"""Which answer speaks for an obligation when several engines gave one.

It decides by strength: a violation that was run, then the firmest evidence that holds. A
counterexample to induction stays one until a search finds a real run; a proof that a real run
contradicts is a fault of the tool.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from kvcheck.cli.accounts import is_enough
from kvcheck.cli.choose import Target
from kvcheck.cli.effort import Reach
from kvcheck.cli.searching import Search
from kvcheck.explore.result import bound_text
from kvcheck.solve.obligations import proof_plan
from kvcheck.trace.path import Finding, FindingKind
from kvcheck.verdict import Evidence, ObligationResult, Outcome, Verdict
from kvspec.lang.ir import Model, Strength

ENOUGH: Mapping[Strength, Evidence] = MappingProxyType(
    {
        Strength.EVERY_SIZE: Evidence.PROVED,
        Strength.STATED_SIZE: Evidence.PROVED_AT_SIZE,
        Strength.SEARCH: Evidence.EXHAUSTED,
    }
)


def expected_of(target: Target) -> tuple[str, ...]:
    """The ids of what would have to be proved of the target."""
    return tuple(name for name, _ in required(target, target.model(), Reach.BEST))


def required(target: Target, model: Model, reach: Reach) -> tuple[tuple[str, Evidence], ...]:
    """What each obligation needs; asking for the stated size only lowers what needs every size."""
    wanted = {p.name: ENOUGH[p.strength] for p in model.properties}
    plan = proof_plan(model)
    found = []
    for goal in (*plan.to_prove, *plan.by_framing):
        evidence = wanted.get(goal.subject, Evidence.PROVED_AT_SIZE)
        if reach is Reach.STATED_SIZE and evidence is Evidence.PROVED:
            evidence = Evidence.PROVED_AT_SIZE
        found.append((renamed(target, goal.id), evidence))
    return tuple(found)


def renamed(target: Target, identifier: str) -> str:
    return f"{target.name}/{identifier.partition('/')[2]}"


def holds(result: ObligationResult) -> bool:
    """Whether it holds, by whatever evidence."""
    return result.verdict.outcome is Outcome.HOLDS


def all_hold(results: Iterable[ObligationResult]) -> bool:
    """Whether every one of them holds."""
    return all(holds(result) for result in results)


def stronger(old: ObligationResult | None, new: ObligationResult) -> ObligationResult:
    """The one that holds, by the stronger evidence; else the newer, which knows more."""
    if old is None or old.verdict.outcome is not Outcome.HOLDS:
        return new
    if new.verdict.outcome is not Outcome.HOLDS:
        return old
    return old if is_enough(old.verdict, new.verdict.evidence) else new


def at_target(target: Target, model: Model, result: ObligationResult) -> ObligationResult:
    bound = result.verdict.bound.replace(bound_text(model), target.size_text)
    verdict = replace(result.verdict, bound=bound)
    return replace(result, id=renamed(target, result.id), verdict=verdict)


def out_of_time(result: ObligationResult) -> ObligationResult:
    """What was not run for want of time says so, and not that somebody interrupted it."""
    if result.verdict.outcome is not Outcome.NOT_RUN:
        return result
    return replace(result, verdict=replace(result.verdict, reason="the time was up"))


def with_search(found: Search, result: ObligationResult, model: Model) -> ObligationResult:
    """An open obligation as the search of the same sizes settles it, if it does."""
    if result.verdict.outcome is Outcome.HOLDS:
        return result
    _, engine, action, subject = result.id.split("/", 3)
    if engine != "induction":
        return result
    is_property = any(prop.name == subject for prop in model.properties)
    wanted = f"any/{subject}" if is_property else f"{action}/assertions"
    match = [o for o in found.obligations if o.id.split("/", 2)[2] == wanted]
    if not match:
        return result
    verdict = match[0].verdict
    if verdict.outcome is Outcome.VIOLATED:
        culprit = breaking_action(found, action if not is_property else subject)
        if action != culprit:
            why = f"{subject} is broken by {culprit}"
            verdict = Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, verdict.bound, why)
        return replace(result, verdict=verdict, counterexample_to_induction=False)
    if verdict.outcome is Outcome.HOLDS:
        why = "not inductive: a lemma is missing" if result.counterexample_to_induction else ""
        exhausted = Verdict(Outcome.HOLDS, verdict.evidence, verdict.bound, why)
        return replace(result, verdict=exhausted, counterexample_to_induction=False)
    return result


def breaking_action(found: Search, name: str) -> str:
    """The action that breaks it in the run that was found; `init` where no step is needed."""
    paths = [one.finding.path for one in found.result.findings if one.finding.name == name]
    moves = paths[0].moves if paths else ()
    return moves[-1].action if moves else found.result.model.init.name


def contradicted(
    model: Model, findings: Sequence[Finding], results: Sequence[ObligationResult]
) -> tuple[str, ...]:
    """The obligations that an engine calls proved although a run breaks them."""
    held = {r.id.split("/", 2)[2] for r in results if r.verdict.outcome is Outcome.HOLDS}
    found = []
    for finding in findings:
        moves = finding.path.moves
        action = moves[-1].action if moves else model.init.name
        subject = finding.message if finding.kind is FindingKind.ASSERTION else finding.name
        if f"{action}/{subject}" in held and not _is_repeated(held, f"{action}/{subject}"):
            found.append(f"{action}/{subject}")
    return tuple(found)


def _is_repeated(held: set[str], name: str) -> bool:
    """Whether another check of the action has the same message, and may be the one that fails."""
    return f"{name} #2" in held
