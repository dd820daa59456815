"""What an engine says that it found, before anyone believes it, and the run that shows it.

It decides nothing about truth: `found_of` turns a claim into a `Finding` and has the concrete
evaluator confirm it. A claim carries its chain: one stored state a level, from an initial state to
the claimed one. Both engines choose the same chain (the least claimed state, then level by level
the least predecessor, in the order of Python tuples), so that a report does not depend on which
engine was faster or on the timing of threads.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kvcheck.explore.result import Found, Stopped
from kvcheck.explore.sites import Sites
from kvcheck.explore.symmetry import Renaming, Symmetry, compose, inverse, rename_arguments
from kvcheck.trace.path import Finding, FindingKind, Move, NotReproduced, Path, confirm
from kvspec.lang.concrete import Stepped, arguments_of, initial_states, step
from kvspec.lang.ir import Action, Model
from kvspec.lang.state import State


@dataclass(frozen=True, slots=True)
class Claim:
    """`number` is the property's or the action's; for an assertion `combination` is the number of
    the argument choice in `arguments_of` and `site` the assertion's."""

    kind: FindingKind
    number: int
    chain: tuple[State, ...]
    combination: int = 0
    site: int = 0


@dataclass(slots=True)
class Tally:
    """The counts of one engine's run; `counts` is (true, false) for each guard conjunct."""

    states: int = 0
    transitions: int = 0
    expanded: int = 0
    levels: list[int] = field(default_factory=list)
    enabled: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    bytes_used: int = 0


@dataclass(frozen=True, slots=True)
class Searched:
    """The end of one engine's run; `stopped` is None when it gave way to the other engine."""

    tally: Tally
    stopped: Stopped | None
    violations: tuple[Claim, ...]
    goals: tuple[Claim, ...]
    threads: int = 1


def found_of(model: Model, sites: Sites, symmetry: Symmetry | None, claim: Claim) -> Found:
    """The confirmed finding of a claim; raises `NotReproduced` if it is not true."""
    start, moves = _retrace(model, symmetry, claim)
    message = ""
    match claim.kind:
        case FindingKind.INVARIANT:
            name = sites.invariants[claim.number].name
        case FindingKind.GOAL:
            name = sites.goals[claim.number].name
        case FindingKind.DEADLOCK:
            name = "deadlock"
        case FindingKind.ASSERTION:
            name, message = model.actions[claim.number].name, sites.checks[claim.site][1].message
    finding = Finding(claim.kind, name, Path(start, tuple(moves)), message=message)
    return Found(finding, confirm(model, finding))


def _retrace(model: Model, symmetry: Symmetry | None, claim: Claim) -> tuple[State, list[Move]]:
    """A concrete run along the chain.

    With symmetry the chain holds representatives r0, r1, ...; the run is s0, s1, ... with
    si = pi(ri). If action a(x) takes ri to t and canonical(t) = sigma(t) = r(i+1), then a(pi(x))
    takes si to pi(t), because the model treats ids alike, and r(i+1) goes to pi(t) by pi after the
    inverse of sigma.
    """
    renaming: Renaming = {}
    current = claim.chain[0]
    if symmetry:
        for start in sorted(initial_states(model)):
            representative, there = symmetry.canonical(start)
            if representative == claim.chain[0]:
                current, renaming = start, inverse(there)
                break
        else:
            raise NotReproduced("no initial state has the first representative")
    start, moves = current, list[Move]()
    for here, target in zip(claim.chain, claim.chain[1:], strict=False):
        action, arguments, there = _move_between(model, symmetry, here, target)
        moves.append(Move(action.name, rename_arguments(action, arguments, renaming)))
        renaming = compose(renaming, inverse(there))
    if claim.kind is FindingKind.ASSERTION:
        action = model.actions[claim.number]
        arguments = list(arguments_of(action))[claim.combination]
        moves.append(Move(action.name, rename_arguments(action, arguments, renaming)))
    return start, moves


def _move_between(
    model: Model, symmetry: Symmetry | None, here: State, target: State
) -> tuple[Action, tuple[int, ...], Renaming]:
    """The first move, in declaration order, that leads from one stored state to the next."""
    for action in model.actions:
        for arguments in arguments_of(action):
            outcome = step(model, here, action, arguments)
            if not isinstance(outcome, Stepped):
                continue
            if symmetry is None:
                if outcome.state == target:
                    return action, arguments, {}
            else:
                representative, there = symmetry.canonical(outcome.state)
                if representative == target:
                    return action, arguments, there
    raise NotReproduced("no move leads from one state of the run to the next")
