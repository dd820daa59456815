"""Which case to run next: a fresh one, or a variant of one that went where few have gone.

It decides what is kept as a seed and how often each is taken; what a variant looks like is
`draw`'s. The idea: a case is kept if it covered a name that was new, and half the variants are of
cases that met what few runs have met. Memory is bounded: states and seeds have a most, beyond which
new states no longer make a seed and old seeds give way.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Sequence

from kvcheck.fuzz.case import Case, Ran, Sizes
from kvcheck.fuzz.draw import fresh, variant

SEEDS_MAX = 2_000
STATES_MAX = 1_000_000
FRESH_SHARE = 0.35
RARE_SHARE = 0.5


class Steer:
    """The memory of a campaign: how often each name was met, and the seeds.

    `hits` counts runs by name, without states; `states` are the names of those that were met.
    """

    def __init__(self, sizes: Sequence[Sizes], manager: str) -> None:
        self.sizes, self.manager = tuple(sizes), manager
        self.hits: Counter[str] = Counter()
        self.states: set[str] = set()
        self.seeds: deque[Case] = deque(maxlen=SEEDS_MAX)
        self._rare: dict[str, Case] = {}

    def next(self, rng: random.Random) -> Case:
        """The case to run next."""
        if not self.seeds or rng.random() < FRESH_SHARE:
            return fresh(rng, sizes=self.sizes, manager=self.manager)
        return variant(rng, self._seed(rng), rng.choice(self.seeds), sizes=self.sizes)

    def learn(self, case: Case, ran: Ran) -> bool:
        """Count what the run covered; whether the case was kept."""
        new = False
        for name in ran.covered:
            if name.startswith("state "):
                if name not in self.states and len(self.states) < STATES_MAX:
                    self.states.add(name)
                    new = True
            else:
                self.hits[name] += 1
                if self.hits[name] == 1:
                    new = True
                self._rare[name] = case
        if new:
            self.seeds.append(case)
        return new

    def _seed(self, rng: random.Random) -> Case:
        if rng.random() < RARE_SHARE:
            rarest = sorted(self.hits, key=lambda name: (self.hits[name], name))
            return self._rare[rarest[int(rng.random() ** 2 * len(rarest))]]
        return self.seeds[rng.randrange(len(self.seeds))]
