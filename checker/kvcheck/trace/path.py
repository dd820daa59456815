"""A run as an engine finds it, and its re-execution by the concrete evaluator.

It decides whether a finding is real; it renders nothing. No engine's word is taken: a finding that
does not re-execute is a fault of the tool (`NotReproduced`), never a violation and never a pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kvspec.lang.concrete import (
    Arguments,
    Disabled,
    Failed,
    Outcome,
    Stepped,
    arguments_of,
    holds,
    initial_states,
    step,
)
from kvspec.lang.ir import Model, PropertyKind
from kvspec.lang.state import State


@dataclass(frozen=True, slots=True)
class Move:
    """One step of a run: an action by name and its arguments."""

    action: str
    arguments: Arguments


@dataclass(frozen=True, slots=True)
class Path:
    """A run: where it starts and the moves it makes."""

    start: State
    moves: tuple[Move, ...]


class FindingKind(Enum):
    """`INVARIANT`: `name` is false at the end. `ASSERTION`: the last move, action `name`, fails.
    `DEADLOCK`: nothing is enabled at the end and the end is not terminal. `GOAL`: `name` is true
    at the end."""

    INVARIANT = "invariant"
    ASSERTION = "assertion"
    DEADLOCK = "deadlock"
    GOAL = "goal"


class Start(Enum):
    """Whether the path starts in an initial state, or anywhere (counterexample to induction)."""

    INITIAL = "initial"
    ANYWHERE = "anywhere"


@dataclass(frozen=True, slots=True)
class Finding:
    """What an engine claims to have found; `message` is the assertion's, if it is one."""

    kind: FindingKind
    name: str
    path: Path
    start: Start = Start.INITIAL
    message: str = ""


class NotReproduced(Exception):
    """The concrete evaluator does not confirm a finding: a fault of the tool."""


def run_path(model: Model, path: Path) -> tuple[tuple[State, ...], Outcome | None]:
    """The states of a path, and the outcome of its last move (`None` for an empty path).

    Stops at the first move that does not complete; raises `NotReproduced` if that is not the last.
    """
    actions = {action.name: action for action in model.actions}
    states, outcome = [path.start], None
    for number, move in enumerate(path.moves, 1):
        outcome = step(model, states[-1], actions[move.action], move.arguments)
        if isinstance(outcome, Stepped):
            states.append(outcome.state)
        elif number < len(path.moves):
            raise NotReproduced(f"move {number}, {move.action}{move.arguments}, gives {outcome}")
    return tuple(states), outcome


def confirm(model: Model, finding: Finding) -> tuple[State, ...]:
    """The states of the finding's path, once re-executed; raises `NotReproduced`."""
    path = finding.path
    if finding.start is Start.INITIAL and path.start not in initial_states(model):
        raise NotReproduced("the path does not start in an initial state")
    states, outcome = run_path(model, path)
    if isinstance(outcome, Disabled):
        raise NotReproduced(f"the last move is disabled by: {outcome.require.label}")
    if finding.kind is FindingKind.ASSERTION:
        if not isinstance(outcome, Failed):
            raise NotReproduced("no assertion fails in the last move")
        return states
    if isinstance(outcome, Failed):
        raise NotReproduced(f"the last move fails an assertion: {outcome.check.message}")
    if not _ends_as_claimed(model, finding, states[-1]):
        raise NotReproduced(f"the last state is no {finding.kind.value} of {finding.name}")
    return states


def _ends_as_claimed(model: Model, finding: Finding, end: State) -> bool:
    if finding.kind is FindingKind.DEADLOCK:
        terminal = any(holds(model, p, end) for p in model.of_kind(PropertyKind.TERMINAL))
        return not terminal and not is_anything_enabled(model, end)
    prop = next(p for p in model.properties if p.name == finding.name)
    return holds(model, prop, end) is (finding.kind is FindingKind.GOAL)


def is_anything_enabled(model: Model, state: State) -> bool:
    """Whether some action with some arguments is enabled here, if only to fail."""
    return any(
        not isinstance(step(model, state, action, arguments), Disabled)
        for action in model.actions
        for arguments in arguments_of(action)
    )
