"""What a case is judged by: the design at its sizes, and the goals that a campaign must reach.

It decides which design judges which sizes, and nothing about cases; this is the one file of the
room that knows how designs are made. A design is compiled once for each size and then shared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from functools import lru_cache

from kvcheck.fuzz.case import Sizes
from kvcheck.lockstep import Design, design_for
from kvcheck.lockstep.tiers import Layer
from kvimpl.blocks import PoolSettings, QueueDesign
from kvspec.events import Priority, Shape
from kvspec.lang.concrete import holds
from kvspec.lang.footprint import variables_read
from kvspec.lang.ir import Model, Property, PropertyKind, Require
from kvspec.lang.state import State

REQUESTS_MIN = 4
KEPT_MAX = 64


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal of one of the design's machines, and the numbers of the rows that it reads."""

    name: str
    formula: Property
    reads: tuple[int, ...]
    model: Model
    rows: slice

    def is_reached(self, state: State) -> bool:
        """Whether the goal holds in the design's state."""
        return holds(self.model, self.formula, state[self.rows])


@dataclass(frozen=True, slots=True)
class Ground:
    """A design, its goals, and the labels of each action's guard, in its order.

    `sizes` tell its states from those of other sizes.
    """

    design: Design
    sizes: tuple[int, ...]
    goals: tuple[Goal, ...]
    guards: Mapping[str, tuple[str, ...]]


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
    """The design that judges a manager of this shape, of which so many requests hold blocks."""
    design = design_for(shape, request_count=max(REQUESTS_MIN, request_count))
    goals = tuple(goal for layer in design.layers for goal in _goals(layer))
    guards = {name: tuple(_labels(design, name)) for name in design.actions}
    return Ground(design, astuple(shape), goals, guards)


def _goals(layer: Layer) -> Iterator[Goal]:
    first = layer.rows.start or 0
    places = {v.name: first + number for number, v in enumerate(layer.model.variables)}
    for goal in layer.model.of_kind(PropertyKind.GOAL):
        reads = tuple(sorted(places[v.name] for v in variables_read(goal.formula)))
        yield Goal(goal.name, goal, reads, layer.model, layer.rows)


def _labels(design: Design, name: str) -> Iterator[str]:
    """The conjuncts of an action's guard in the order in which they are looked at, each once."""
    seen: set[str] = set()
    for layer in design.layers:
        blank = (0,) * len(design.parameters.get(name, ()))
        if layer.arguments(name, blank) is None:
            continue
        for statement in layer.actions[name].body:
            if isinstance(statement, Require) and statement.label not in seen:
                seen.add(statement.label)
                yield statement.label
