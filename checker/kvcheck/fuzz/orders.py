"""A case's order, one word and its numbers, as the schedule that it names.

It decides the notation only; what the schedules do is theirs.
"""

from __future__ import annotations

from kvcheck.schedule import Eager, HostFirst, Pct, Random, Replay
from kvimpl.device.port.steps import Schedule

WORDS = "eager, host-first, random SEED, pct SEED DEPTH STEPS, replay LINE"


def schedule_of(order: str) -> Schedule:
    """A fresh schedule, for one run.

    Raises:
        ValueError: the order is not written as one of WORDS.
    """
    word, _, rest = order.partition(" ")
    try:
        match word, rest.split():
            case "eager", []:
                return Eager()
            case "host-first", []:
                return HostFirst()
            case "random", [seed]:
                return Random(int(seed))
            case "pct", [seed, depth, steps]:
                return Pct(int(seed), depth=int(depth), steps=int(steps))
            case "replay", _:
                return Replay(rest)
    except ValueError as error:
        raise ValueError(f"The order {order[:80]!r} names no schedule: {error}") from error
    raise ValueError(
        f"The order {order[:80]!r} names no schedule. It was edited, or is of another version. "
        f"Write one of {WORDS}."
    )
