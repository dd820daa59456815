"""What a case is judged by: the design at its sizes, and the goals that a campaign must reach.

It decides which design judges which sizes, and nothing about cases; this is the one file of the
room that knows how designs are made. A design is compiled once for each size and then shared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from functools import lru_cache

from kvcheck.fuzz.case import Sizes
from kvcheck.lockstep import Design, tiers
from kvimpl.blocks import PoolSettings, QueueDesign
from kvspec.events import Priority, Shape
from kvspec.lang.concrete import holds
from kvspec.lang.footprint import variables_read
from kvspec.lang.ir import Property, PropertyKind, Require
from kvspec.lang.state import State

REQUESTS_MIN = 4
KEPT_MAX = 64


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal of the design, and the numbers of the variables that it reads."""

    name: str
    formula: Property
    reads: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ground:
    """A design, its goals, and the labels of each action's guard, in its order.

    `sizes` tell its states from those of other sizes.
    """

    design: Design
    sizes: tuple[int, ...]
    goals: tuple[Goal, ...]
    guards: Mapping[str, tuple[str, ...]]

    def reached(self, goal: Goal, state: State) -> bool:
        """Whether the goal holds in the state."""
        return holds(self.design.model, goal.formula, state)


def settings_of(sizes: Sizes) -> PoolSettings:
    """The manager's settings. Raises: ValueError, where a size is absurd."""
    return PoolSettings(
        primary_count=sizes.primary_count,
        secondary_count=sizes.secondary_count,
        slot_bytes=sizes.slot_bytes,
        priority_count=sizes.priority_count,
        default_priority=Priority(sizes.default_priority),
        offload_priority_min=Priority(sizes.offload_priority_min),
        references_max=sizes.references_max,
        pins_max=sizes.pins_max,
        copies_max=sizes.copies_max,
        queues=QueueDesign(sizes.queues),
    )


@lru_cache(maxsize=KEPT_MAX)
def ground_of(shape: Shape, request_count: int) -> Ground:
    """The design that judges a manager of this shape, of which so many requests hold blocks.

    Raises:
        UnjudgeableShape: no design reads such a manager.
    """
    design = tiers(shape, request_count=max(REQUESTS_MIN, request_count))
    model = design.model
    places = {variable.name: number for number, variable in enumerate(model.variables)}
    goals = tuple(
        Goal(goal.name, goal, tuple(sorted(places[v.name] for v in variables_read(goal.formula))))
        for goal in model.of_kind(PropertyKind.GOAL)
    )
    guards = {
        action.name: tuple(s.label for s in action.body if isinstance(s, Require))
        for action in model.actions
    }
    return Ground(design, astuple(shape), goals, guards)
