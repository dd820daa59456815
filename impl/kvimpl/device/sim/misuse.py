"""Misuse of locks and shared values that no race shows: lost updates, and locks in a circle.

It decides both from one run. A *lost update*: a task writes a value that it has read, another task
wrote between, and the first did not look again. Each access may be under a lock, so nothing need
be unordered. An *inversion*: a lock is taken under another one that was, at some other time, taken
under it; two tasks can then wait for each other, in another run if not in this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from kvimpl.device.port.findings import FindingKind
from kvimpl.device.port.values import Mode
from kvimpl.device.sim.clocks import Place, Seen
from kvimpl.device.sim.watch import Actor, Watch

LOST = (
    "{second}, by what it had read before: {first}. Between the two: %s, and that change is lost. "
    "Read and write it under one lock, and do not let go between."
)
INVERTED = (
    "{second}, while it holds %s; but elsewhere they are taken the other way round: {first}, while "
    "it held %s. Two tasks that do so at once wait for each other for ever. Take them in one order."
)


class Updates:
    """What tasks know of one shared value."""

    __slots__ = ("_reads", "_written")

    def __init__(self) -> None:
        self._reads: dict[int, Seen] = {}
        self._written: dict[int, Seen] = {}

    def read(self, seen: Seen) -> None:
        """The actor knows the value as it is now."""
        self._reads[seen.actor] = seen
        self._written.pop(seen.actor, None)

    def write(self, watch: Watch, seen: Seen) -> None:
        """The actor changes it; whoever has read it knows an old value from now on."""
        other = self._written.pop(seen.actor, None)
        read = self._reads.pop(seen.actor, None)
        if other is not None and read is not None:
            watch.add(FindingKind.LOST_UPDATE, LOST % watch.worded(other), read, seen)
        for actor in self._reads:
            self._written.setdefault(actor, seen)


class Held(Protocol):
    """A lock, as who is stuck wants to know it."""

    def holder(self) -> str:
        """Who has it, in words; empty if nobody has."""


class LockOrder:
    """Which locks were taken under which, over one run, and who holds which now.

    One finding a pair of locks, at the first step that shows it. A device's only lock is not
    followed: it is taken under no other.
    """

    def __init__(self) -> None:
        self.locks: list[Held] = []
        self._held: dict[int, list[str]] = {}
        self._taken: dict[str, dict[str, Seen]] = {}
        self._told: set[frozenset[str]] = set()

    @property
    def is_followed(self) -> bool:
        """Whether there is more than one lock."""
        return len(self.locks) > 1

    def acquired(self, watch: Watch, actor: Actor, name: str, place: Place) -> None:
        """The actor has taken the lock."""
        held = self._held.setdefault(actor.number, [])
        for outer in held:
            seen = watch.seen(actor, f"acquire {name}", Mode.WRITE, f"lock {name}", (0, 1), place)
            back = next(self._path(name, outer), None)
            if back is not None and frozenset((outer, name)) not in self._told:
                self._told.add(frozenset((outer, name)))
                first, under = back
                watch.add(FindingKind.LOCK_ORDER, INVERTED % (outer, under), first, seen)
            self._taken.setdefault(outer, {}).setdefault(name, seen)
        held.append(name)

    def released(self, actor: Actor, name: str) -> None:
        """The actor has given the lock back, which it may have taken when it was the only one."""
        held = self._held.get(actor.number, [])
        if name in held:
            held.remove(name)

    def holders(self) -> list[str]:
        """Who holds which lock, in words."""
        return [words for lock in self.locks if (words := lock.holder())]

    def _path(self, start: str, goal: str) -> Iterator[tuple[Seen, str]]:
        """The last step of a way by which `goal` was taken under `start`, if there is one."""
        todo, known = [start], {start}
        while todo:
            outer = todo.pop()
            for inner, seen in self._taken.get(outer, {}).items():
                if inner == goal:
                    yield seen, outer
                if inner not in known:
                    known.add(inner)
                    todo.append(inner)
