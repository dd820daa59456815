"""A manager's steps in the words of a design: what a reading makes of what was told.

It decides what a lift is, and when the design's state says the same as what was shown; which step
is which move is decided by the readings. The idea: a step of the manager is some moves of the
design, none if the design has no word for it and nothing it knows of changed, and otherwise there
is no run; after its last move the design's state is held against what the manager showed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias, cast

from kvcheck.bridge.contents import row_of
from kvcheck.bridge.lines import Heard
from kvcheck.trace.path import Move
from kvspec.events import BlockId, Observation, Shape
from kvspec.lang.ir import Model
from kvspec.lang.state import State


class NoRun(Exception):
    """The manager took a step that the design has no word for; says which and why."""


@dataclass(frozen=True, slots=True)
class Lift:
    """A move, and what the manager showed after it; None within a step, where it shows nothing."""

    move: Move
    shown: Observation | None = None


Lifting: TypeAlias = Callable[[tuple[Heard, ...]], Iterator[Lift]]
Sizing: TypeAlias = Callable[[Shape, tuple[Lift, ...]], dict[str, int]]


def making(heard: Heard, action: str, *arguments: int) -> Lift:
    """The move that a step is, by itself or as the last of several."""
    return Lift(Move(action, tuple(map(int, arguments))), heard.after)


def unknown(heard: Heard, why: str) -> NoRun:
    """The step of a manager that is no step of the design."""
    return NoRun(f"{getattr(heard.told, 'action', '')}: {why}")


def users(heard: Heard, block: BlockId) -> int:
    """How many references the block has after the step, as the manager shows it."""
    if heard.after.refs is None:
        raise unknown(heard, "the manager hides its references")
    return heard.after.refs[block]


def block_count(shape: Shape) -> dict[str, int]:
    """The sizes P and S."""
    return {"P": shape.primary_count, "S": shape.secondary_count}


def differs(model: Model, state: State, shown: Observation) -> str:
    """The first thing that the manager shows otherwise than the design's state has it, "" if none.

    A design without copies frees a block that moves at once, and a manager when it has seen the
    copy complete: while one is in flight, queues are not compared.
    """
    names = {variable.name for variable in model.variables}
    has_copies = "pending" in names
    for name in ("slot", "pins", "refs", "priority"):
        if name in names:
            own, seen = row_of(model, state, name), getattr(shown, name)
            if seen is not None and tuple(map(int, seen)) != own:
                return f"the manager shows {name} {tuple(map(int, seen))}, the design has {own}"
    is_still = not any(shown.pending or ())
    if "free" in names and shown.free is not None and (is_still or has_copies):
        queues = cast("tuple[tuple[int, ...], ...]", row_of(model, state, "free"))
        own, seen = _by_level(queues), tuple(tuple(chain(*level)) for level in shown.free)
        if own != seen:
            return f"the manager shows the queues {seen}, the design has {own}"
    return ""


def _by_level(queues: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    half = len(queues) // 2
    return tuple(chain(*queues[:half])), tuple(chain(*queues[half:]))
