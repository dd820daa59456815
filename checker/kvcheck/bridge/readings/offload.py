"""Runs of `offload` as calls: the seven lines of one offloading allocation are one `allocate`.

It decides the calls, not what they lead to. The idea: a caller cannot stop in the middle of a
call, so the call makes all lines that the run has of it, and the rest of them too where the run
ends before. The judge hears the lines of the call but looks at counters and copies at its end
only; so what one line does wrong is refused in the call that makes the line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kvcheck.bridge.contents import Use, is_wanted, primary_front, states_before, warmed_up
from kvcheck.bridge.readings.reading import SLOT_BYTES, Reading
from kvcheck.bridge.script import Call, Script, Unplayable, Verb, making, silent
from kvcheck.trace.path import Move, Path
from kvimpl.blocks import PoolSettings
from kvspec.lang.ir import Model

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


def settings(sizes: Mapping[str, int]) -> PoolSettings:
    """The manager's sizes."""
    return PoolSettings(primary_count=sizes["P"], secondary_count=sizes["S"], slot_bytes=SLOT_BYTES)


def script(model: Model, path: Path) -> Script:
    """The warm-up, and the calls, each with the lines that it makes."""
    uses = tuple(_uses(model, path))
    return warmed_up(model, uses, list(_calls(path.moves, uses)))


READING = Reading(
    design="offload",
    silently="contents are committed before they are moved, copies settled at once, and a call"
    " that the run leaves in its middle is made to its end",
    settings=settings,
    script=script,
)


def _uses(model: Model, path: Path) -> Iterator[Use]:
    for step, state in enumerate(states_before(model, path), 1):
        match path.moves[step - 1].action:
            case "allocate":
                yield step, primary_front(model, state), False
            case "peek":
                yield step, primary_front(model, state), True


def _calls(moves: tuple[Move, ...], uses: tuple[Use, ...]) -> Iterator[Call]:
    step = 1
    while step <= len(moves):
        match moves[step - 1].action, moves[step - 1].arguments:
            case "peek", _:
                last = _last_line(moves, step)
                yield Call(verb=Verb.ALLOCATE, first=step, last=last, action="offload_allocate")
                yield silent(Verb.SETTLE, last)
                step = last
            case "allocate", _:
                yield making(Verb.ALLOCATE, step, "allocate")
            case "release", (b,):
                if is_wanted(uses, b, step):
                    yield silent(Verb.COMMIT, step, block=b)
                yield making(Verb.RELEASE, step, "release", block=b)
            case name, _:
                raise Unplayable(f"step {step}, {name}: no call does this")
        step += 1


def _last_line(moves: tuple[Move, ...], first: int) -> int:
    """The last step of the call that begins at a step."""
    for step, (move, line) in enumerate(zip(moves[first - 1 :], LINES, strict=False), first):
        if move.action != line:
            raise Unplayable(
                f"step {step}, {move.action}: it comes in the middle of an allocation, where the"
                " manager holds its lock"
            )
    return min(first + len(LINES) - 1, len(moves))
