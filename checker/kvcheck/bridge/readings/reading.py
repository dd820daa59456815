"""What a reading is: how the runs of one design become calls on the manager, and its steps moves.

It decides nothing about any design; each has a file of its own beside this one. The idea: a
reading may narrow the design to runs that callers can make, has to say which calls the design has
no step for, and everything else about playing, lifting and judging is the same for all designs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from kvcheck.bridge.lifting import Lifting, Sizing
from kvcheck.bridge.lines import Heard
from kvcheck.bridge.script import Script
from kvcheck.trace.path import Path
from kvimpl.blocks import PoolSettings
from kvspec.events import Shape
from kvspec.lang.ir import Action, Expr, Model, Require
from kvspec.lang.state import State

SLOT_BYTES = 64

Guard = tuple[str, Expr]
"""A condition under which a caller can make an action, and its label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the runs of `design` become scripts.

    `script` raises `Unplayable` for a run that no calls make; the model that it gets is narrowed.
    `silently` says which calls the design has no step for. `wrong_line`, of a design in which one
    call makes several steps, is the first action of the call that the manager made otherwise than
    the right design does from this state, "" if each line by itself was right.

    `lift` raises `NoRun` for a step that the design has no word for; `sizes` are those at which the
    design has the moves, and `fit` words the model for the manager where sizes do not say it all.
    """

    design: str
    silently: str
    settings: Callable[[Mapping[str, int]], PoolSettings]
    script: Callable[[Model, Path], Script]
    narrow: Callable[[Model], Model] = lambda model: model
    lift: Lifting
    sizes: Sizing
    fit: Callable[[Model, Shape], Model] = lambda model, _: model
    wrong_line: Callable[[Model, State, tuple[Heard, ...]], str] = lambda _, __, ___: ""


def guarded(model: Model, name: str, guards: tuple[Guard, ...]) -> Model:
    """The model with these guards in front of those of one of its actions."""
    return replace(
        model, actions=tuple(_guarded(a, guards) if a.name == name else a for a in model.actions)
    )


def action_of(model: Model, name: str) -> Action:
    """The action of that name."""
    return next(action for action in model.actions if action.name == name)


def _guarded(action: Action, guards: tuple[Guard, ...]) -> Action:
    own = tuple(Require(label, condition, action.at) for label, condition in guards)
    return replace(action, body=own + action.body)
