"""What a reading is: how the runs of one design become calls on the manager.

It decides nothing about any design; each has a file of its own beside this one. The idea: a
reading may narrow the design to runs that callers can make, has to say which calls the design has
no step for, and everything else about playing and judging is the same for all designs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from kvcheck.bridge.script import Script
from kvcheck.trace.path import Path
from kvimpl.blocks import PoolSettings
from kvspec.lang.ir import Action, Expr, Model, Require

SLOT_BYTES = 64

Guards = Callable[[Model, Action], tuple[tuple[str, Expr], ...]]
"""For an action of a model, the conditions under which a caller can make it: label, condition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the runs of `design` become scripts.

    `script` raises `Unplayable` for a run that no calls make. `silently` says which calls the
    design has no step for. `guards` are those of the callers, which the design does not have.
    """

    design: str
    silently: str
    settings: Callable[[Mapping[str, int]], PoolSettings]
    script: Callable[[Model, Path], Script]
    guards: Guards = lambda _, __: ()


def narrowed(model: Model, guards: Guards) -> Model:
    """The model with the callers' guards in front of its own."""
    return replace(
        model, actions=tuple(_narrowed(action, guards(model, action)) for action in model.actions)
    )


def _narrowed(action: Action, guards: tuple[tuple[str, Expr], ...]) -> Action:
    own = tuple(Require(label, condition, action.at) for label, condition in guards)
    return replace(action, body=own + action.body)
