"""The order in which engines are tried on a property, and which of their answers stands.

It decides when a property is settled: violated by a run from an initial state, or held as firmly as
its author asked. The engines are stages passed in; the usual order is explicit search, induction
(every size, then the stated one), PDR, k-induction, bounded checking. A later stage is asked only
about what the earlier ones left open, and is told what they established.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from kvcheck.solve.obligations import inductive_properties
from kvcheck.trace.path import Finding, Start
from kvcheck.verdict import Evidence, Outcome, Verdict
from kvspec.lang.ir import Model, Strength

STRENGTH_OF = tuple(Evidence)  # strongest first
ENOUGH = {
    Strength.EVERY_SIZE: Evidence.PROVED,
    Strength.STATED_SIZE: Evidence.PROVED_AT_SIZE,
    Strength.SEARCH: Evidence.EXHAUSTED,
}


@dataclass(frozen=True, slots=True)
class Settled:
    """What one stage says: a verdict for each property that it has an opinion on.

    `findings` are confirmed. A stage that was stopped says `interrupted`, and no later one runs.
    """

    verdicts: Mapping[str, Verdict]
    findings: tuple[Finding, ...] = ()
    faults: tuple[str, ...] = ()
    interrupted: bool = False


class Stage(Protocol):
    """An engine as a step of the order."""

    @property
    def name(self) -> str:
        """What a reason calls it: "induction", "bounded checking"."""
        ...

    def settle(self, model: Model, names: Sequence[str], established: Sequence[str]) -> Settled:
        """Try the named properties; `established` ones hold in every reachable state."""
        ...


@dataclass(frozen=True, slots=True)
class StrategyResult:
    """The verdict of every property asked about, with the stage it comes from ("" for none)."""

    verdicts: Mapping[str, Verdict]
    by: Mapping[str, str]
    findings: tuple[Finding, ...]
    faults: tuple[str, ...]
    interrupted: bool


@dataclass(slots=True)
class _State:
    verdicts: dict[str, Verdict]
    by: dict[str, str]
    required: Mapping[str, Evidence]
    findings: list[Finding] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def open_names(self) -> tuple[str, ...]:
        return tuple(n for n, v in self.verdicts.items() if not is_enough(v, self.required[n]))

    def established(self) -> tuple[str, ...]:
        """What holds in every reachable state of this size."""
        return tuple(
            name
            for name, verdict in self.verdicts.items()
            if is_enough(verdict, Evidence.EXHAUSTED) and verdict.outcome is Outcome.HOLDS
        )

    def enter(self, stage: Stage, said: Settled) -> None:
        for name, verdict in said.verdicts.items():
            old = self.verdicts.get(name)
            if old is None:
                continue
            if stands_above(verdict, old):
                self.verdicts[name], self.by[name] = verdict, stage.name
            elif verdict.reason:
                reason = "; ".join(filter(None, (old.reason, f"{stage.name}: {verdict.reason}")))
                self.verdicts[name] = replace(old, reason=reason)
        self.findings += said.findings
        self.faults += (f"{stage.name}: {fault}" for fault in said.faults)


def required_evidence(model: Model) -> dict[str, Evidence]:
    """The weakest evidence that each invariant's and lemma's author accepts."""
    return {prop.name: ENOUGH[prop.strength] for prop in inductive_properties(model)}


def settle_in_order(
    model: Model, stages: Sequence[Stage], required: Mapping[str, Evidence]
) -> StrategyResult:
    """Try the stages in order until every property is settled, or none is left."""
    nothing = Verdict(Outcome.NOT_RUN, Evidence.NONE, "")
    names = list(required)
    state = _State(dict.fromkeys(names, nothing), dict.fromkeys(names, ""), required)
    interrupted = False
    for stage in stages:
        todo = state.open_names()
        if not todo or interrupted:
            break
        said = stage.settle(model, todo, state.established())
        state.enter(stage, said)
        interrupted = said.interrupted
    return StrategyResult(
        state.verdicts, state.by, tuple(state.findings), tuple(state.faults), interrupted
    )


def is_enough(verdict: Verdict, required: Evidence) -> bool:
    """Whether nothing more need be tried: violated, or held at least as firmly as required."""
    if verdict.outcome is Outcome.VIOLATED:
        return True
    held = verdict.outcome is Outcome.HOLDS
    return held and STRENGTH_OF.index(verdict.evidence) <= STRENGTH_OF.index(required)


def stands_above(new: Verdict, old: Verdict) -> bool:
    """Whether a verdict replaces an earlier one: a violation any, a firmer one a weaker."""
    if old.outcome is Outcome.VIOLATED:
        return False
    order = (Outcome.VIOLATED, Outcome.HOLDS, Outcome.INCONCLUSIVE, Outcome.NOT_RUN)
    ranks = [(order.index(v.outcome), STRENGTH_OF.index(v.evidence)) for v in (new, old)]
    return ranks[0] < ranks[1]


def is_real(finding: Finding) -> bool:
    """Whether it is a run from an initial state, and so no counterexample to induction."""
    return finding.start is Start.INITIAL
