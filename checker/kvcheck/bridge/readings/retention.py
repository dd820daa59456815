"""Runs of `retention` as calls: what a request asks for is a `Keep`, and a tick makes one expire.

It decides the calls, not what they lead to. The idea: the design says of each eviction whether the
block moves down, and a manager moves what has content and is worth it; so a block is committed
before a release only if its next eviction is an offload. A time is one second, and passes only
where the run has `expire`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import kvspec.events as events
from kvcheck.bridge.contents import Use, is_wanted, primary_front, states_before, warmed_up
from kvcheck.bridge.lifting import Lift, block_count, unknown, users
from kvcheck.bridge.lifting import making as lifted
from kvcheck.bridge.lines import Heard
from kvcheck.bridge.readings.reading import SLOT_BYTES, Reading
from kvcheck.bridge.script import Call, Script, Unplayable, Verb, Wish, making, silent
from kvcheck.lockstep.priorities import at_priorities
from kvcheck.trace.path import Move, Path
from kvimpl.blocks import PoolSettings
from kvspec.events import BlockId, Shape
from kvspec.events import Priority as Kept
from kvspec.lang.ir import Model
from kvspec.lang.state import State
from kvspec.models.retention import Priority


def settings(sizes: Mapping[str, int]) -> PoolSettings:
    """The manager's sizes and the design's three priorities; LOW is not worth a copy."""
    return PoolSettings(
        primary_count=sizes["P"],
        secondary_count=sizes["S"],
        slot_bytes=SLOT_BYTES,
        priority_count=len(Priority),
        default_priority=Kept(Priority.DEFAULT.value),
        offload_priority_min=Kept(Priority.DEFAULT.value),
    )


def script(model: Model, path: Path) -> Script:
    """The warm-up, and for each move its call with the silent ones around it."""
    states = states_before(model, path)
    numbered = list(zip(range(1, len(states) + 1), path.moves, states, strict=True))
    uses = tuple(use for step, move, state in numbered for use in _uses(model, step, move, state))
    return warmed_up(
        model, uses, [c for step, move, _ in numbered for c in _calls(step, move, uses)]
    )


def lift(heard: tuple[Heard, ...]) -> Iterator[Lift]:
    """A hit of a block in use, and a release that leaves it in use, change nothing in the design.

    What a request asked for is read from what is shown after the step.
    """
    for one in heard:
        match one.told:
            case events.Allocate(block=b):
                yield lifted(one, "allocate", *_asked(one, b))
            case events.OffloadAllocate(block=b):
                yield lifted(one, "offload_allocate", *_asked(one, b))
            case events.Reuse(block=b) if users(one, b) == 1:
                yield lifted(one, "reuse", b)
            case events.Release(block=b) if users(one, b) == 0:
                yield lifted(one, "release", b)
            case events.Expire(block=b):
                yield lifted(one, "expire", b)
            case events.Onboard():
                raise unknown(one, "in the design nothing comes back from host memory")
            case events.Pin() | events.Unpin():
                raise unknown(one, "the design has no readers")


def sizes(shape: Shape, _: tuple[Lift, ...]) -> dict[str, int]:
    """The manager's; its priorities are no size."""
    return block_count(shape)


READING = Reading(
    design="retention",
    silently="contents are committed before they are moved or reused, and copies settled at once",
    settings=settings,
    script=script,
    lift=lift,
    sizes=sizes,
    fit=at_priorities,
)


def _uses(model: Model, step: int, move: Move, state: State) -> Iterator[Use]:
    match move.action, move.arguments:
        case "allocate", _:
            yield step, primary_front(model, state), False
        case "offload_allocate", _:
            yield step, primary_front(model, state), True
        case "reuse", (b,):
            yield step, b, True


def _calls(step: int, move: Move, uses: tuple[Use, ...]) -> Iterator[Call]:
    match move.action, move.arguments:
        case "allocate", (priority, timed):
            wish = Wish(priority, bool(timed))
            yield making(Verb.ALLOCATE, step, "allocate", wish=wish)
        case "offload_allocate", (priority, timed):
            wish = Wish(priority, bool(timed))
            yield making(Verb.ALLOCATE, step, "offload_allocate", wish=wish)
            yield silent(Verb.SETTLE, step)
        case "reuse", (b,):
            yield making(Verb.ACQUIRE, step, "reuse", block=b)
        case "release", (b,):
            if is_wanted(uses, b, step):
                yield silent(Verb.COMMIT, step, block=b)
            yield making(Verb.RELEASE, step, "release", block=b)
        case "expire", (b,):
            yield making(Verb.EXPIRE, step, "expire", block=b)
        case name, _:
            raise Unplayable(f"step {step}, {name}: no call does this")


def _asked(one: Heard, block: BlockId) -> tuple[int, int]:
    priority, timed = one.after.priority, one.after.timed
    if priority is None or timed is None:
        raise unknown(one, "the manager hides how its blocks are to be kept")
    return priority[block], timed[block]
