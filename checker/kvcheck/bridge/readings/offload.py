"""Runs of `offload` as calls: the seven lines of one offloading allocation are one `allocate`.

It decides the calls, not what they lead to. The idea: a caller cannot stop in the middle of a
call, so the call makes all lines that the run has of it, and the rest of them too where the run
ends before. The judge looks at counters and copies at the end of the call only; which line was
wrong is found by holding what each line did against the right design's action of that name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import kvspec.events as events
from kvcheck.bridge.contents import Use, is_wanted, primary_front, states_before, warmed_up
from kvcheck.bridge.lifting import Lift, block_count, unknown, users
from kvcheck.bridge.lifting import making as lifted
from kvcheck.bridge.lines import Effect, Heard, effect_heard, effect_in
from kvcheck.bridge.readings.reading import SLOT_BYTES, Reading, action_of
from kvcheck.bridge.script import Call, Script, Unplayable, Verb, making, silent
from kvcheck.trace.path import Move, Path
from kvimpl.blocks import PoolSettings
from kvspec.events import Claim, SendCopy, Shape, Swap
from kvspec.lang.concrete import Stepped, step
from kvspec.lang.ir import Model
from kvspec.lang.state import State

LINES = (
    "peek",
    "claim_spare",
    "claim_victim",
    "transfer",
    "swap",
    "release_victim",
    "hand_out",
)
"""The design's actions that one call makes. The manager claims the victim before the spare."""
CLAIMS = LINES[1:3]
COMPARED = LINES[1:5]
"""Those that are lines of the manager's as well, each at its own place."""


def settings(sizes: Mapping[str, int]) -> PoolSettings:
    """The manager's sizes."""
    return PoolSettings(primary_count=sizes["P"], secondary_count=sizes["S"], slot_bytes=SLOT_BYTES)


def script(model: Model, path: Path) -> Script:
    """The warm-up, and the calls, each with the lines that it makes."""
    uses = tuple(_uses(model, path))
    return warmed_up(model, uses, list(_calls(path.moves, uses)))


def wrong_line(right: Model, state: State, heard: tuple[Heard, ...]) -> str:
    """The first line that is not due or does not do what the right design's action of it does.

    The two claims may come in either order. The manager releases the victim and hands out the spare
    elsewhere, so those lines are not compared.
    """
    wanted: dict[str, Effect] = {}
    left = list(COMPARED)
    for name in ("peek", *COMPARED):
        taken = step(right, state, action_of(right, name), ())
        if not isinstance(taken, Stepped):
            return ""
        wanted[name] = effect_in(right, state, taken.state)
        state = taken.state
    for own in heard:
        line = _line(own, wanted)
        due = [name for name in left if name in CLAIMS] or left[:1]
        if line and (line not in due or effect_heard(own) != wanted[line]):
            return line
        left = [name for name in left if name != line]
    return ""


def lift(heard: tuple[Heard, ...]) -> Iterator[Lift]:
    """An offloading allocation is its seven lines, in the design's order; contents are not seen."""
    for one in heard:
        match one.told:
            case events.Allocate():
                yield lifted(one, "allocate")
            case events.OffloadAllocate():
                yield from (Lift(Move(line, ())) for line in LINES[:-1])
                yield lifted(one, LINES[-1])
            case events.Release(block=b) if users(one, b) == 0:
                yield lifted(one, "release", b)
            case events.Reuse() | events.Onboard() | events.Pin() | events.Unpin():
                raise unknown(one, "in the design blocks are only allocated and released")
            case events.Expire():
                raise unknown(one, "the design has one queue a level and no time")


def sizes(shape: Shape, _: tuple[Lift, ...]) -> dict[str, int]:
    """The manager's."""
    return block_count(shape)


READING = Reading(
    design="offload",
    silently="contents are committed before they are moved, copies settled at once, and a call"
    " that the run leaves in its middle is made to its end",
    settings=settings,
    script=script,
    lift=lift,
    sizes=sizes,
    wrong_line=wrong_line,
)


def _uses(model: Model, path: Path) -> Iterator[Use]:
    for number, state in enumerate(states_before(model, path), 1):
        match path.moves[number - 1].action:
            case "allocate":
                yield number, primary_front(model, state), False
            case "peek":
                yield number, primary_front(model, state), True


def _calls(moves: tuple[Move, ...], uses: tuple[Use, ...]) -> Iterator[Call]:
    number = 1
    while number <= len(moves):
        match moves[number - 1].action, moves[number - 1].arguments:
            case "peek", _:
                last = _last_line(moves, number)
                yield Call(verb=Verb.ALLOCATE, first=number, last=last, action="offload_allocate")
                yield silent(Verb.SETTLE, last)
                number = last
            case "allocate", _:
                yield making(Verb.ALLOCATE, number, "allocate")
            case "release", (b,):
                if is_wanted(uses, b, number):
                    yield silent(Verb.COMMIT, number, block=b)
                yield making(Verb.RELEASE, number, "release", block=b)
            case name, _:
                raise Unplayable(f"step {number}, {name}: no call does this")
        number += 1


def _last_line(moves: tuple[Move, ...], first: int) -> int:
    """The last step of the call that begins at a step."""
    for number, (move, line) in enumerate(zip(moves[first - 1 :], LINES, strict=False), first):
        if move.action != line:
            raise Unplayable(
                f"step {number}, {move.action}: it comes in the middle of an allocation, where the"
                " manager holds its lock"
            )
    return min(first + len(LINES) - 1, len(moves))


def _line(heard: Heard, wanted: Mapping[str, Effect]) -> str:
    """The action that a part of the manager is; "" for a part that the design does not have."""
    match heard.told:
        case Claim(block=block):
            slots = heard.before.slot
            is_victim = slots is not None and int(slots[block]) in wanted["claim_victim"].left
            return "claim_victim" if is_victim else "claim_spare"
        case SendCopy():
            return "transfer"
        case Swap():
            return "swap"
    return ""
