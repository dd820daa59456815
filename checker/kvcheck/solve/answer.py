"""The end of one obligation as the stated-size engine gives it, before it becomes a verdict.

It decides what a violated obligation must show: a state, an action and its arguments, which are
run again by the concrete evaluator before anyone sees them. No Z3 here, so that an answer from the
cache is checked without loading it. A finding that starts `ANYWHERE` is a counterexample to
induction: a missing lemma or a bug, and never called a bug.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kvcheck.solve.obligations import Obligation, ObligationKind, action_named, assertions_of
from kvcheck.trace.path import Finding, FindingKind, Move, NotReproduced, Path, Start, confirm
from kvcheck.verdict import Outcome
from kvspec.lang.concrete import Arguments, Failed, holds, step
from kvspec.lang.ir import Assert, Model, Property
from kvspec.lang.state import State


@dataclass(frozen=True, slots=True)
class Answer:
    """How one obligation ended; `finding` is there where it is violated and a step shows it.

    `resources` is Z3's own count of work, the same on every machine.
    """

    obligation: Obligation
    outcome: Outcome
    seconds: float
    reason: str = ""
    finding: Finding | None = None
    resources: int = 0

    @property
    def is_counterexample_to_induction(self) -> bool:
        """Whether it is violated by a step from a state that need not be reachable."""
        return self.finding is not None and self.finding.start is Start.ANYWHERE


def assertion_of(model: Model, obligation: Obligation) -> Assert:
    """The assertion that an `ASSERTION` obligation is about."""
    return assertions_of(action_named(model, obligation.action))[obligation.number]


def inductive_finding(
    model: Model, obligation: Obligation, before: State, arguments: Arguments
) -> Finding:
    """The claim that one step from `before` breaks the obligation."""
    path = Path(before, (Move(obligation.action, arguments),))
    if obligation.kind is ObligationKind.ASSERTION:
        message = assertion_of(model, obligation).message
        return Finding(
            FindingKind.ASSERTION, obligation.action, path, Start.ANYWHERE, message=message
        )
    return Finding(FindingKind.INVARIANT, obligation.subject, path, Start.ANYWHERE)


def confirm_broken(
    model: Model, obligation: Obligation, finding: Finding, hypotheses: Sequence[Property]
) -> None:
    """Re-execute a finding of this obligation; raises `NotReproduced` where it is not one.

    For a counterexample to induction every hypothesis must hold in the first state, and it must be
    this assertion that fails, or this property that is false in the end.
    """
    try:
        confirm(model, finding)
    except NotReproduced as fault:
        raise NotReproduced(f"{obligation.id}: {fault}") from fault
    first = finding.path.start
    if finding.start is Start.ANYWHERE:
        for prop in hypotheses:
            if not holds(model, prop, first):
                raise NotReproduced(f"{obligation.id}: {prop.name} is false before the step")
    if obligation.kind is not ObligationKind.ASSERTION:
        if finding.name != obligation.subject:
            raise NotReproduced(f"{obligation.id}: the finding is about {finding.name}")
        return
    action = action_named(model, obligation.action)
    outcome = step(model, first, action, finding.path.moves[-1].arguments)
    if not isinstance(outcome, Failed) or outcome.check != assertion_of(model, obligation):
        raise NotReproduced(f"{obligation.id}: it is not this assertion that fails")
