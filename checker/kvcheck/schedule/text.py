"""A schedule as one line of text: who took each step, run lengths written as `name*count`.

It decides the notation, nothing about its meaning. `host*3 copies host` is five steps.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

TOKEN = re.compile(r"([A-Za-z_][A-Za-z0-9_.\-]*)(?:\*([1-9][0-9]*))?")
COUNT_MAX = 10_000_000


def written(actors: Sequence[str]) -> str:
    """The line for these steps."""
    runs = ((actor, len(list(steps))) for actor, steps in groupby(actors))
    return " ".join(f"{actor}*{count}" if count > 1 else actor for actor, count in runs)


def parsed(line: str) -> tuple[str, ...]:
    """The steps that the line stands for. Raises: ValueError, naming the first bad token."""
    actors: list[str] = []
    for number, token in enumerate(line.split(), start=1):
        match = TOKEN.fullmatch(token)
        count = int(match[2] or 1) if match else 0
        if match is None or len(actors) + count > COUNT_MAX:
            raise ValueError(
                f"token {number} of the schedule, '{token}', is not an actor's name or name*count "
                f"of at most {COUNT_MAX} steps in all. The line was cut or edited. Paste it whole."
            )
        actors.extend([match[1]] * count)
    return tuple(actors)
