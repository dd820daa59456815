"""Runs of `pins` as calls: blocks have content where the run pins or moves them.

It decides the calls, not what they lead to. The idea: the design knows neither contents nor
copies, so every copy is settled at once, and a block whose next use is a pin or a move is
committed before its request lets go of it; what is used first gets its content in a warm-up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import kvspec.events as events
from kvcheck.bridge.contents import Use, is_wanted, primary_front, row_of, states_before, warmed_up
from kvcheck.bridge.lifting import Lift, block_count, unknown
from kvcheck.bridge.lifting import making as lifted
from kvcheck.bridge.lines import Heard
from kvcheck.bridge.readings.reading import SLOT_BYTES, Reading
from kvcheck.bridge.script import Call, Script, Unplayable, Verb, making, silent
from kvcheck.trace.path import Move, Path
from kvimpl.blocks import PoolSettings
from kvspec.events import Shape
from kvspec.lang.ir import Model
from kvspec.lang.state import State


def settings(sizes: Mapping[str, int]) -> PoolSettings:
    """The manager's sizes."""
    given = {"REFS": 2, "PINS": 2, **sizes}
    return PoolSettings(
        primary_count=given["P"],
        secondary_count=given["S"],
        slot_bytes=SLOT_BYTES,
        references_max=given["REFS"],
        pins_max=given["PINS"],
    )


def script(model: Model, path: Path) -> Script:
    """The warm-up, and for each move its call with the silent ones around it."""
    states = states_before(model, path)
    numbered = list(zip(range(1, len(states) + 1), path.moves, states, strict=True))
    uses = tuple(use for step, move, state in numbered for use in _uses(model, step, move, state))
    calls = [call for step, move, _ in numbered for call in _calls(step, move, uses)]
    return warmed_up(model, uses, calls)


def lift(heard: tuple[Heard, ...]) -> Iterator[Lift]:
    """Contents and copies are no matter of the design; a block has one holder in it."""
    for one in heard:
        match one.told:
            case events.Allocate():
                yield lifted(one, "allocate")
            case events.OffloadAllocate():
                yield lifted(one, "offload")
            case events.Onboard(block=b):
                yield lifted(one, "onboard", b)
            case events.Release(block=b):
                yield lifted(one, "release", b)
            case events.Pin(block=b):
                yield lifted(one, "pin", b)
            case events.Unpin(block=b):
                yield lifted(one, "unpin", b)
            case events.Reuse():
                raise unknown(one, "in the design nobody holds a block for its content")
            case events.Expire():
                raise unknown(one, "the design has one queue a level and no time")


def sizes(shape: Shape, _: tuple[Lift, ...]) -> dict[str, int]:
    """The manager's; a wrong one may count past its own limit of references."""
    pins_max = shape.pins_max
    return block_count(shape) | {"REFS": shape.references_max + pins_max, "PINS": pins_max}


READING = Reading(
    design="pins",
    silently="contents are committed before they are pinned or moved, and copies settled at once",
    settings=settings,
    script=script,
    lift=lift,
    sizes=sizes,
)


def _uses(model: Model, step: int, move: Move, state: State) -> Iterator[Use]:
    """The blocks whose content the move needs, or needs to be without."""
    match move.action, move.arguments:
        case "allocate", _:
            yield step, primary_front(model, state), False
        case "offload", _:
            yield step, primary_front(model, state), True
        case "onboard", (b,):
            yield step, b, True
        case "pin", (b,):
            if not row_of(model, state, "held")[b]:
                yield step, b, True


def _calls(step: int, move: Move, uses: tuple[Use, ...]) -> Iterator[Call]:
    match move.action, move.arguments:
        case "allocate", _:
            yield making(Verb.ALLOCATE, step, "allocate")
        case "offload", _:
            yield making(Verb.ALLOCATE, step, "offload_allocate")
            yield silent(Verb.SETTLE, step)
        case "onboard", (b,):
            yield making(Verb.ACQUIRE, step, "onboard", block=b)
            yield silent(Verb.SETTLE, step)
        case "release", (b,):
            if is_wanted(uses, b, step):
                yield silent(Verb.COMMIT, step, block=b)
            yield making(Verb.RELEASE, step, "release", block=b)
        case "pin", (b,):
            yield making(Verb.PIN, step, "pin", block=b)
        case "unpin", (b,):
            yield making(Verb.UNPIN, step, "unpin", block=b)
        case name, _:
            raise Unplayable(f"step {step}, {name}: no call does this")
