"""Which steps of a run were in a race, and who should have gone first: source sets for DPOR.

It decides which other orders of a finished run are worth a run; `exhaustive` runs them. After
Abdulla, Aronis, Jonsson and Sagonas, "Optimal dynamic partial order reduction" (POPL 2014),
algorithm 1: for each race between steps i and j, some first step of "all that does not come after
i, then j" must be tried in i's place. Two cases need care here: a step that waited for another is
not in a race with it, and two tasks that take a lock are, although a release lies between, and
whatever the first did under the lock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kvimpl.device.port.steps import LockUse, Pending, Touch


def conflict(left: tuple[Touch, ...], right: tuple[Touch, ...]) -> bool:
    """Whether the order of two steps may matter: they touch one place and one of them writes."""
    for thing, start, stop, writes in left:
        for other, begin, end, changes in right:
            if thing == other and (writes or changes) and start < end and begin < stop:
                return True
    return False


class Order:
    """The happens-before relation of a run, step by step, and its races."""

    def __init__(self, steps: Sequence[Pending]) -> None:
        self._steps = steps
        self._clocks: list[dict[str, int]] = []
        self._uses: dict[str, list[tuple[int, Touch]]] = {}
        self._latest: dict[str, int] = {}

    def races(self) -> Iterator[tuple[int, frozenset[str]]]:
        """Each race as the step it begins at, and the actors of which one must be tried there."""
        for j in range(len(self._steps)):
            for i in self._add(j):
                yield i, self._firsts(i, j)

    def _add(self, j: int) -> list[int]:
        """Place the step; return the earlier steps that it is in a race with."""
        step = self._steps[j]
        before = self._latest.get(step.actor, -1)
        clock = dict(self._clocks[before]) if before >= 0 else {}
        if step.caused_by >= 0:
            _join(clock, self._clocks[step.caused_by])
        seen = dict(clock)
        races = []
        holder = ""
        for i in self._conflicting(step):
            earlier = self._steps[i]
            if earlier.actor == step.actor or seen.get(earlier.actor, -1) >= i:
                continue
            unlocks = step.lock_use is LockUse.ACQUIRE and earlier.lock_use is LockUse.RELEASE
            if unlocks:
                holder = earlier.actor
            elif earlier.actor == holder and earlier.lock_use is LockUse.ACQUIRE:
                holder = ""
            # what its holder did under the lock cannot come after this step takes the lock
            if not unlocks and earlier.actor != holder:
                _join(seen, self._clocks[i])
                if not any(t.writes and t.thing in step.needs for t in earlier.touches):
                    races.append(i)
            _join(clock, self._clocks[i])
        clock[step.actor] = j
        self._clocks.append(clock)
        self._latest[step.actor] = j
        for touch in step.touches:
            self._uses.setdefault(touch.thing, []).append((j, touch))
        return races

    def _conflicting(self, step: Pending) -> list[int]:
        """Earlier steps that conflict with this one, latest first."""
        found = set()
        for thing, start, stop, writes in step.touches:
            for i, other in self._uses.get(thing, ()):
                if (writes or other.writes) and start < other.stop and other.start < stop:
                    found.add(i)
        return sorted(found, reverse=True)

    def _firsts(self, i: int, j: int) -> frozenset[str]:
        """Who may begin a run of all that does not come after i, then j."""
        actor = self._steps[i].actor
        kept = [k for k in range(i + 1, j) if self._clocks[k].get(actor, -1) < i]
        kept.append(j)
        firsts: set[str] = set()
        begun: set[str] = set()
        for k in kept:
            step = self._steps[k]
            if step.actor not in begun:
                begun.add(step.actor)
                clock = self._clocks[k]
                if not any(clock.get(self._steps[m].actor, -1) >= m for m in kept if m < k):
                    firsts.add(step.actor)
        return frozenset(firsts)


def _join(clock: dict[str, int], other: dict[str, int]) -> None:
    for actor, step in other.items():
        if clock.get(actor, -1) < step:
            clock[actor] = step
