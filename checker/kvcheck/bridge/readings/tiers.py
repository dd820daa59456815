"""Runs of `tiers` as calls: every action is one, and a block is pinned only if it has content.

It decides the calls, not what they lead to. The idea: the design lets any block be pinned, and a
caller can name a block by its content or by a request's handle only; so the search is confined to
runs that pin cached or held blocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import kvspec.events as events
from kvcheck.bridge.lifting import Lift, block_count, unknown
from kvcheck.bridge.lifting import making as lifted
from kvcheck.bridge.lines import Heard
from kvcheck.bridge.readings.reading import SLOT_BYTES, Reading, action_of, guarded
from kvcheck.bridge.script import Call, Script, Unplayable, Verb, making
from kvcheck.trace.path import Move, Path
from kvimpl.blocks import PoolSettings
from kvspec.events import RequestId, Shape
from kvspec.lang.ir import BOOL, Apply, Len, Literal, Model, Operator, Read, Variable


def settings(sizes: Mapping[str, int]) -> PoolSettings:
    """The manager's sizes."""
    given = {"REFS": 2, "PINS": 1, "K": 1, **sizes}
    return PoolSettings(
        primary_count=given["P"],
        secondary_count=given["S"],
        slot_bytes=SLOT_BYTES,
        references_max=given["REFS"],
        pins_max=given["PINS"],
        copies_max=given["K"],
    )


def script(model: Model, path: Path) -> Script:
    """One call for each move."""
    return tuple(_call(number, move) for number, move in enumerate(path.moves, 1))


def narrow(model: Model) -> Model:
    """Only a block that is cached or held can be pinned."""
    (block,) = action_of(model, "pin").parameters
    cached = Read(_variable(model, "cached"), (block,))
    holder_count = Len(_variable(model, "holders"), (block,))
    zero = Literal(0, holder_count.type)
    held = Apply(Operator.LT, (zero, holder_count), BOOL)
    either = Apply(Operator.OR, (cached, held), BOOL)
    return guarded(model, "pin", (("a caller can name the block", either),))


def lift(heard: tuple[Heard, ...]) -> Iterator[Lift]:
    """Every step but those of the device's order is a move; requests are numbered as met."""
    numbers: dict[RequestId, int] = {}

    def number(request: RequestId) -> int:
        return numbers.setdefault(request, len(numbers))

    for one in heard:
        match one.told:
            case events.Allocate(request=r):
                yield lifted(one, "allocate", number(r))
            case events.OffloadAllocate(request=r, stream=st):
                yield lifted(one, "offload_allocate", number(r), st)
            case events.Onboard(block=b, request=r, stream=st):
                yield lifted(one, "onboard", b, number(r), st)
            case events.Reuse(block=b, request=r):
                yield lifted(one, "reuse", b, number(r))
            case events.Commit(block=b, request=r):
                yield lifted(one, "commit", b, number(r))
            case events.Release(block=b, request=r):
                yield lifted(one, "release", b, number(r))
            case events.Pin(block=b):
                yield lifted(one, "pin", b)
            case events.Unpin(block=b):
                yield lifted(one, "unpin", b)
            case events.Complete(stream=st):
                yield lifted(one, "complete", st)
            case events.Expire():
                raise unknown(one, "the design has one queue a level and no time")


REQUEST_AT = {"allocate": 0, "offload_allocate": 0, "pin": None, "unpin": None, "complete": None}
"""Which argument of a move is a request; of all others the second."""


def sizes(shape: Shape, lifts: tuple[Lift, ...]) -> dict[str, int]:
    """The manager's, and as many requests as were met."""
    places = [(one.move, REQUEST_AT.get(one.move.action, 1)) for one in lifts]
    met = [move.arguments[at] for move, at in places if at is not None]
    return block_count(shape) | {
        "R": 1 + max(met, default=0),
        "REFS": shape.references_max,
        "PINS": shape.pins_max,
        "K": shape.copies_max,
        "T": len(events.Stream),
    }


READING = Reading(
    design="tiers",
    silently="nothing: each action is a call",
    settings=settings,
    script=script,
    narrow=narrow,
    lift=lift,
    sizes=sizes,
)


def _call(step: int, move: Move) -> Call:
    match move.action, move.arguments:
        case ("allocate", (r,)) | ("offload_allocate", (r, _)):
            return making(Verb.ALLOCATE, step, move.action, request=r)
        case ("reuse", (b, r)) | ("onboard", (b, r, _)):
            return making(Verb.ACQUIRE, step, move.action, block=b, request=r)
        case "commit", (b, r):
            return making(Verb.COMMIT, step, move.action, block=b, request=r)
        case "release", (b, r):
            return making(Verb.RELEASE, step, move.action, block=b, request=r)
        case "pin", (b,):
            return making(Verb.PIN, step, move.action, block=b)
        case "unpin", (b,):
            return making(Verb.UNPIN, step, move.action, block=b)
        case "complete", _:
            return making(Verb.SETTLE, step, move.action)
    raise Unplayable(f"step {step}, {move.action}: no call does this")


def _variable(model: Model, name: str) -> Variable:
    return next(variable for variable in model.variables if variable.name == name)
