"""One known bug against one engine: whether the engine finds what the bug says that it breaks.

It decides what counts as a kill: a finding about an obligation that the bug names, re-executed. A
finding about anything else is shown, and is no kill.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from kvcheck.cli.choose import Target
from kvcheck.cli.effort import QUERY_SECONDS_MAX
from kvcheck.cli.progress import Ticker
from kvcheck.cli.searching import now, record_of, search
from kvcheck.explore.options import AfterViolation, Options
from kvcheck.solve.bounded import check_bounded
from kvcheck.solve.engines import StatedSize
from kvcheck.solve.obligations import Obligation, ObligationKind, proof_plan
from kvcheck.solve.options import SolveOptions
from kvcheck.solve.parallel import Task
from kvcheck.trace.path import Finding
from kvcheck.trace.record import RunRecord
from kvcheck.verdict import Outcome
from kvspec.bugs import Bug

BOUNDED_DEPTH_MAX = 14
BOUNDED_SECONDS_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Conditions:
    """What every hunt shares: threads for a search, the time it may take, where progress goes."""

    jobs: int
    budget_seconds: float | None
    ticker: Ticker


@dataclass(frozen=True, slots=True)
class Hunt:
    """What one engine made of one bug.

    `killed` names what it found of what the bug breaks, `other` what it found besides;
    `trace_length` counts the steps of the shortest killing run. `open_reason` says why an engine
    that found nothing did not settle the question, or is empty.
    """

    killed: tuple[str, ...]
    other: tuple[str, ...]
    trace_length: int
    open_reason: str
    record: RunRecord | None
    is_interrupted: bool = False

    @property
    def is_kill(self) -> bool:
        """Whether the bug was found."""
        return bool(self.killed)


Engine = Callable[[Bug, Target, Conditions], Hunt]


def hunt_explicit(bug: Bug, target: Target, conditions: Conditions) -> Hunt:
    """By explicit search."""
    options = Options(
        after_violation=AfterViolation.CONTINUE if len(bug.breaks) > 1 else AfterViolation.STOP,
        seconds_max=conditions.budget_seconds,
        threads=conditions.jobs,
    )
    found = search(target, options, conditions.ticker)
    findings = [one.finding for one in found.result.findings]
    hunt = _hunt(bug, target, findings, "explore", "" if found.result.complete else "not complete")
    return replace(hunt, is_interrupted=found.is_interrupted)


def hunt_by_induction(bug: Bug, target: Target, conditions: Conditions) -> Hunt:
    """By induction at the bug's sizes: a step from a state that satisfies every invariant.

    Only what the bug claims to break is asked, and no further than the first that is broken.
    """
    seconds = conditions.budget_seconds
    limit = QUERY_SECONDS_MAX if seconds is None else min(seconds, QUERY_SECONDS_MAX)
    model = target.model()
    engine = StatedSize(SolveOptions(timeout_seconds=limit), now)
    unknown = ""
    for goal in _claimed(bug, proof_plan(model).to_prove):
        conditions.ticker.tell({"hunting": bug.id, "by": "induction", "now": goal.id})
        for answer in engine.answers(Task(model, goal.action, (goal,))):
            if answer.finding is not None:
                conditions.ticker.done()
                return _hunt(bug, target, [answer.finding], "prove", "")
            if answer.outcome is Outcome.INCONCLUSIVE:
                unknown = answer.reason
    conditions.ticker.done()
    return _hunt(bug, target, [], "prove", unknown)


def _claimed(bug: Bug, plan: Sequence[Obligation]) -> list[Obligation]:
    """The obligations that the bug says it breaks, the checks inside its actions first."""
    assertions = {goal for goal in plan if goal.kind is ObligationKind.ASSERTION}
    claimed = [
        goal for goal in plan if (goal.action if goal in assertions else goal.subject) in bug.breaks
    ]
    return sorted(claimed, key=lambda goal: goal not in assertions)


def hunt_bounded(bug: Bug, target: Target, conditions: Conditions) -> Hunt:
    """By bounded checking from the initial states."""
    seconds = conditions.budget_seconds or BOUNDED_SECONDS_MAX
    model = target.model()

    def observe(depth: int) -> None:
        conditions.ticker.tell({"hunting": bug.id, "by": "bounded", "depth": depth})

    result = check_bounded(
        model,
        BOUNDED_DEPTH_MAX,
        SolveOptions(timeout_seconds=seconds),
        clock=now,
        observe=observe,
    )
    conditions.ticker.done()
    findings = [result.finding] if result.finding else []
    why = result.reason or f"nothing within {result.depth} steps"
    return _hunt(bug, target, findings, "bounded", why)


def _hunt(
    bug: Bug, target: Target, findings: Iterable[Finding], verb: str, open_reason: str
) -> Hunt:
    shortest = sorted(findings, key=lambda finding: len(finding.path.moves))
    kills = [finding for finding in shortest if finding.name in bug.breaks]
    other = [finding for finding in shortest if finding.name not in bug.breaks]
    if not kills:
        return Hunt((), _names(other), 0, open_reason, None)
    best = kills[0]
    return Hunt(
        killed=_names(kills),
        other=_names(other),
        trace_length=len(best.path.moves),
        open_reason="",
        record=record_of(target, target.model(), best, verb),
    )


def _names(findings: Iterable[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(finding.name for finding in findings))


ENGINES: Mapping[str, Engine] = MappingProxyType(
    {"bounded": hunt_bounded, "explicit": hunt_explicit, "induction": hunt_by_induction}
)
