"""What a search found, and what follows from it for each obligation.

It decides which verdict a search supports; it searches nothing and renders nothing. Silence is
never success: "no violation" counts as `exhausted` only when the search was complete, as `bounded`
when it ran into its depth limit, and is inconclusive otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from kvcheck.trace.path import Finding, FindingKind
from kvcheck.verdict import Evidence, ObligationResult, Outcome, Verdict
from kvspec.lang.footprint import statements_within
from kvspec.lang.ir import Assert, Model, PropertyKind, Require
from kvspec.lang.state import State


class Stopped(Enum):
    """Why a search ended."""

    COMPLETE = "complete"
    VIOLATION = "violation"
    STATES = "states"
    MEMORY = "memory"
    SECONDS = "seconds"
    DEPTH = "depth"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class ConjunctCount:
    """How often one guard conjunct was evaluated, and to what; earlier ones hid it otherwise."""

    action: str
    require: Require
    true: int
    false: int
    not_reached: int


@dataclass(frozen=True, slots=True)
class ActionCount:
    """How often an action was enabled (failing assertions included), over all arguments."""

    action: str
    enabled: int
    disabled: int


@dataclass(frozen=True, slots=True)
class Found:
    """A confirmed finding with the states of its run."""

    finding: Finding
    states: tuple[State, ...]


@dataclass(frozen=True, slots=True)
class ExploreResult:
    """One search, finished or not.

    `depth` is the last level whose states were all found: 0 for the initial states; `levels` counts
    the new states of each level. `conjuncts` is empty unless coverage was asked for. `engine` is
    "python" or "compiled"; `engine_note` says why the compiled one was not used, or "". With
    `symmetry` states are counted up to renaming; `symmetry_note` says why not, if it was wanted.
    """

    model: Model
    states: int
    transitions: int
    depth: int
    levels: tuple[int, ...]
    seconds: float
    cpu_seconds: float
    bytes_per_state: float
    engine: str
    engine_note: str
    threads: int
    symmetry: bool
    symmetry_note: str
    stopped: Stopped
    findings: tuple[Found, ...]
    witnesses: tuple[Found, ...]
    goals_unreached: tuple[str, ...]
    actions: tuple[ActionCount, ...]
    conjuncts: tuple[ConjunctCount, ...]
    deadlock_checked: bool

    @property
    def complete(self) -> bool:
        """Whether every reachable state was found and expanded."""
        return self.stopped is Stopped.COMPLETE

    @property
    def actions_never_enabled(self) -> tuple[str, ...]:
        """Actions that no state found here enables."""
        return tuple(count.action for count in self.actions if not count.enabled)

    def sentence(self) -> str:
        """How far the search went, for "no violation found in ..."."""
        return f"{self.states:,} states, depth {self.depth}"


def bound_text(model: Model) -> str:
    """The sizes of an instance, as a verdict's bound says them."""
    return ", ".join(f"{name}={value}" for name, value in model.sizes)


def obligation_results(result: ExploreResult) -> tuple[ObligationResult, ...]:
    """One result for each invariant, goal, asserting action, and for deadlock."""
    model = result.model
    failed = {(f.finding.kind, f.finding.name): f.finding for f in result.findings}
    reached = {w.finding.name: w.finding for w in result.witnesses}
    prefix = f"{model.name}/explore"
    results = []
    for prop in model.of_kind(PropertyKind.INVARIANT, PropertyKind.LEMMA):
        finding = failed.get((FindingKind.INVARIANT, prop.name))
        results.append(_safety(result, f"{prefix}/any/{prop.name}", finding))
    for action in model.actions:
        if any(isinstance(s, Assert) for s in statements_within(action.body)):
            finding = failed.get((FindingKind.ASSERTION, action.name))
            results.append(_safety(result, f"{prefix}/{action.name}/assertions", finding))
    results.append(_deadlock(result, f"{prefix}/any/deadlock", failed))
    for prop in model.of_kind(PropertyKind.GOAL):
        results.append(_goal(result, f"{prefix}/any/{prop.name}", reached.get(prop.name)))
    return tuple(results)


def _result(
    result: ExploreResult, name: str, verdict: Verdict, detail: str = ""
) -> ObligationResult:
    return ObligationResult(name, verdict, result.seconds, detail=detail)


def _safety(result: ExploreResult, name: str, finding: Finding | None) -> ObligationResult:
    bound = bound_text(result.model)
    if finding is not None:
        verdict = Verdict(Outcome.VIOLATED, Evidence.NONE, bound)
        return _result(result, name, verdict, f"violated after {len(finding.path.moves)} steps")
    detail = f"no violation found in {result.sentence()}"
    if result.complete:
        verdict = Verdict(Outcome.HOLDS, Evidence.EXHAUSTED, bound)
    elif result.stopped is Stopped.DEPTH:
        verdict = Verdict(Outcome.HOLDS, Evidence.BOUNDED, f"{bound}, depth {result.depth}")
    else:
        verdict = Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, bound, why_stopped(result))
    return _result(result, name, verdict, detail)


def _deadlock(
    result: ExploreResult, name: str, failed: Mapping[tuple[FindingKind, str], Finding]
) -> ObligationResult:
    if not result.deadlock_checked:
        reason = "deadlock was not asked for"
        return _result(result, name, Verdict(Outcome.NOT_RUN, Evidence.NONE, "", reason))
    return _safety(result, name, failed.get((FindingKind.DEADLOCK, "deadlock")))


def _goal(result: ExploreResult, name: str, witness: Finding | None) -> ObligationResult:
    bound = bound_text(result.model)
    if witness is not None:
        verdict = Verdict(Outcome.HOLDS, Evidence.EXHAUSTED, bound)
        return _result(result, name, verdict, f"reached after {len(witness.path.moves)} steps")
    detail = f"not reached in {result.sentence()}"
    if result.complete:
        return _result(result, name, Verdict(Outcome.VIOLATED, Evidence.NONE, bound), detail)
    verdict = Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, bound, why_stopped(result))
    return _result(result, name, verdict, detail)


def why_stopped(result: ExploreResult) -> str:
    """Why the search is not complete, as a reason."""
    reasons = {
        Stopped.COMPLETE: "the search was complete",
        Stopped.VIOLATION: "the search stopped at a violation of something else",
        Stopped.STATES: "the limit of states was reached",
        Stopped.MEMORY: "the limit of memory was reached",
        Stopped.SECONDS: "the time was up",
        Stopped.DEPTH: "the limit of depth was reached",
        Stopped.INTERRUPTED: "the search was interrupted",
    }
    return f"{reasons[result.stopped]} after {result.sentence()}"
