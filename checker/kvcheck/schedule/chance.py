"""Schedules by chance, from a seed: uniform, and PCT.

They decide one run a seed; the same seed and program give the same run. PCT (Burckhardt and others,
ASPLOS 2010) gives each actor a random priority and lowers it at depth - 1 random steps: a bug that
needs d orderings among n actors and k steps is found with a chance of at least 1/(n k^(d-1)).
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from kvimpl.device.port.steps import Pending


class Random:
    """Each pending step with equal chance."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random

    def pick(self, pending: Sequence[Pending]) -> int:
        """Any of them."""
        return int(self._random() * len(pending))


class Pct:
    """The pending actor of highest priority; priorities change at `depth` - 1 steps."""

    def __init__(self, seed: int, *, depth: int = 3, steps: int = 60) -> None:
        """`steps` is about how long a run is: the changes fall within so many steps."""
        if not 1 <= depth <= steps:
            raise ValueError(
                f"PCT cannot place {depth - 1} changes in {steps} steps. A depth is at least 1 and "
                "at most the length of a run. Change depth or steps."
            )
        self._random = random.Random(seed)
        self._changes = frozenset(self._random.sample(range(steps), depth - 1))
        self._priority: dict[str, float] = {}
        self._lowest = 0.0
        self._step = 0

    def pick(self, pending: Sequence[Pending]) -> int:
        """The first of highest priority, after the change that falls on this step."""
        chosen = self._highest(pending)
        if self._step in self._changes:
            self._lowest -= 1.0
            self._priority[pending[chosen].actor] = self._lowest
            chosen = self._highest(pending)
        self._step += 1
        return chosen

    def _highest(self, pending: Sequence[Pending]) -> int:
        priority, chosen, highest = self._priority, 0, float("-inf")
        for index, one in enumerate(pending):
            own = priority.get(one.actor)
            if own is None:
                own = priority[one.actor] = self._random.random()
            if own > highest:
                chosen, highest = index, own
        return chosen
