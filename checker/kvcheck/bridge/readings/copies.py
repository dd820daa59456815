"""Runs of `copies` as calls: an allocation or an acquisition sends a copy, and steps are steps.

It decides the calls, not what they lead to; that a copy comes after what it must is looked at by
the witness of the device's order. The idea: the first half of the design's slots is taken to be
device memory and the rest host memory, and the search is confined to copies between the two, in
the direction of their stream. What the device does by itself has no call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count

import kvspec.events as events
from kvcheck.bridge.contents import Use, warmed_up
from kvcheck.bridge.lifting import Lift
from kvcheck.bridge.lifting import making as lifted
from kvcheck.bridge.lines import Heard
from kvcheck.bridge.readings.reading import SLOT_BYTES, Reading, action_of, guarded
from kvcheck.bridge.script import Call, Script, Unplayable, Verb, making
from kvcheck.trace.path import Path
from kvimpl.blocks import PoolSettings
from kvspec.events import Level, Shape
from kvspec.lang.ir import BOOL, Apply, Constant, Literal, Model, Operator, ReadConstant
from kvspec.lang.types import IntType
from kvspec.models.copies import Stream

LEVEL = IntType(0, len(Level) - 1)


def settings(sizes: Mapping[str, int]) -> PoolSettings:
    """As many slots as the design's, half of them in device memory."""
    primary = _primary_count(sizes["S"])
    return PoolSettings(
        primary_count=primary, secondary_count=sizes["S"] - primary, slot_bytes=SLOT_BYTES
    )


def script(model: Model, path: Path) -> Script:
    """A warm-up after which every block that a copy moves has content, and the moves."""
    uses, calls = list[Use](), list[Call]()
    block_in = list(range(dict(model.sizes)["Slot"]))
    for step, move in enumerate(path.moves, 1):
        match move.action, move.arguments:
            case "begin_step", _:
                calls.append(making(Verb.BEGIN_STEP, step, "begin_step"))
            case "copy", (_, stream, source, target):
                uses.append((step, block_in[source], True))
                calls.append(_copy(step, stream, source, target, block_in[source]))
                block_in[source], block_in[target] = block_in[target], block_in[source]
            case "end_step", _:
                calls.append(making(Verb.END_STEP, step, "end_step"))
            case name, _:
                raise Unplayable(f"step {step}, {name}: the device does this by itself")
    return warmed_up(model, tuple(uses), calls)


def narrow(model: Model) -> Model:
    """Slots have levels, and a copy goes down on the offload stream and up on the other."""
    _, stream, source, target = action_of(model, "copy").parameters
    slots = dict(model.sizes)["Slot"]
    table = tuple(int(slot >= _primary_count(slots)) for slot in range(slots))
    tier = Constant("tier", (source.type,), LEVEL, table)
    goes_up = Apply(Operator.EQ, (stream, Literal(Stream.ONBOARD.value, stream.type)), BOOL)
    leaves, arrives = (
        Apply(Operator.EQ, (ReadConstant(tier, (slot,)), Literal(Level.SECONDARY, LEVEL)), BOOL)
        for slot in (source, target)
    )
    return guarded(
        replace(model, constants=(*model.constants, tier)),
        "copy",
        (
            ("it leaves host memory if it goes up", Apply(Operator.EQ, (leaves, goes_up), BOOL)),
            ("it changes the level", Apply(Operator.NOT, (_same(leaves, arrives),), BOOL)),
        ),
    )


def lift(heard: tuple[Heard, ...]) -> Iterator[Lift]:
    """A copy and what a step launches are works; the device executes none, as it may in the design.

    The slots of a copy are those that were told; whose they are is no matter of the design.
    """
    works = count()
    for one in heard:
        match one.told:
            case events.BeginStep():
                yield lifted(one, "begin_step")
            case events.SendCopy(stream=st, source=source, target=target):
                yield lifted(one, "copy", next(works), st, source, target)
            case events.EndStep():
                yield lifted(one, "end_step", next(works))


def sizes(shape: Shape, lifts: tuple[Lift, ...]) -> dict[str, int]:
    """As many works as there were copies and steps, and the manager's slots."""
    return {
        "W": sum(one.move.action != "begin_step" for one in lifts),
        "S": shape.block_count,
    }


READING = Reading(
    design="copies",
    silently="contents are committed before the run; a kernel is launched behind each step",
    settings=settings,
    script=script,
    narrow=narrow,
    lift=lift,
    sizes=sizes,
)


def _primary_count(slot_count: int) -> int:
    return (slot_count + 1) // 2


def _same(first: Apply, second: Apply) -> Apply:
    return Apply(Operator.EQ, (first, second), BOOL)


def _copy(step: int, stream: int, source: int, target: int, block: int) -> Call:
    if stream == Stream.OFFLOAD.value:
        call = making(Verb.ALLOCATE, step, "offload_allocate")
    else:
        call = making(Verb.ACQUIRE, step, "onboard", block=block)
    return replace(call, copy=(stream, source, target))
