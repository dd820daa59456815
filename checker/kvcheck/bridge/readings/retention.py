"""Runs of `retention` as calls: what a request asks for is a `Keep`, and a tick makes one expire.

It decides the calls, not what they lead to. The idea: the design says of each eviction whether the
block moves down, and a manager moves what has content and is worth it; so a block is committed
before a release only if its next eviction is an offload. A time is one second, and passes only
where the run has `expire`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kvcheck.bridge.contents import Use, is_wanted, primary_front, states_before, warmed_up
from kvcheck.bridge.readings.reading import SLOT_BYTES, Reading
from kvcheck.bridge.script import Call, Script, Unplayable, Verb, Wish, making, silent
from kvcheck.trace.path import Move, Path
from kvimpl.blocks import PoolSettings
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


READING = Reading(
    design="retention",
    silently="contents are committed before they are moved or reused, and copies settled at once",
    settings=settings,
    script=script,
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
