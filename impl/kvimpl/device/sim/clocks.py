"""Vector clocks over ranges of bytes: which earlier accesses is a new one not ordered after?

It decides order only, not what a disorder is called. After FastTrack (Flanagan and Freund, PLDI
2009), but over ranges instead of variables: a memory is cut into segments as accesses cut it, each
with its last write and, of each actor, its last read since. A write heals the cuts it covers, so
the cost of an access does not grow with the length of the run.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple, TypeAlias

from kvimpl.device.port.values import Mode

# Looked up once: in Python 3.11 a member of an enum costs as much as a call.
READ, WRITE = Mode.READ, Mode.WRITE

Clock: TypeAlias = dict[int, int]
"""Of each actor, the last moment of its own that is known to have been before."""


fast = tuple.__new__
"""Makes a named tuple of all its fields, in order, in less than half the time of a call of it."""


class Place(NamedTuple):
    """Where in the program a call was made."""

    file: str
    line: int
    function: str


class Seen(NamedTuple):
    """An access that was made: when, on its actor's own clock, and what to say about it."""

    actor: int
    time: int
    actor_name: str
    does: str
    mode: Mode
    buffer: object
    start: int
    stop: int
    step: int
    place: Place


class Segment:
    """The accesses that a range of bytes still remembers."""

    __slots__ = ("reads", "write")

    def __init__(self, write: Seen | None, reads: dict[int, Seen]) -> None:
        self.write = write
        self.reads = reads


def join(clock: Clock, other: Clock) -> None:
    """What was before `other` is before `clock` from now on."""
    known = clock.get
    for actor, time in other.items():
        if known(actor, 0) < time:
            clock[actor] = time


def _add(found: list[Seen], one: Seen) -> None:
    if one not in found:
        found.append(one)


class Shadow:
    """The remembered accesses of one memory of nbytes bytes."""

    __slots__ = ("_segments", "_starts")

    def __init__(self) -> None:
        self._starts = [0]
        self._segments = [Segment(None, {})]

    def touch(self, seen: Seen, clock: Clock) -> list[Seen]:
        """Remember the access; return earlier ones, of other actors, that it is not ordered after.

        Of two accesses at least one writes. `clock` is that of the access's own actor.
        """
        first, last = self._cut(seen.start), self._cut(seen.stop)
        writes, actor, known = seen.mode is not READ, seen.actor, clock.get
        unordered: list[Seen] = []
        for segment in self._segments[first:last]:
            write, reads = segment.write, segment.reads
            if write is not None and write.actor != actor and known(write.actor, 0) < write.time:
                _add(unordered, write)
            if not writes:
                reads[actor] = seen
                continue
            for read in reads.values():
                if read.actor != actor and known(read.actor, 0) < read.time:
                    _add(unordered, read)
        if writes:
            self._starts[first:last] = [seen.start]
            self._segments[first:last] = [Segment(seen, {})]
        return unordered

    def unordered(self, stop: int, clock: Clock) -> list[Seen]:
        """The remembered accesses to the first bytes that this clock is not ordered after."""
        found: list[Seen] = []
        for segment, start in zip(self._segments, self._starts, strict=True):
            writes = [] if segment.write is None else [segment.write]
            for old in (*writes, *segment.reads.values()):
                if start < stop and clock.get(old.actor, 0) < old.time and old not in found:
                    found.append(old)
        return found

    def segment_count(self) -> int:
        """How finely the memory is cut."""
        return len(self._starts)

    def _cut(self, at: int) -> int:
        """The index of the segment that begins at this byte, made if there is none."""
        starts = self._starts
        index = bisect_left(starts, at)
        if index == len(starts) or starts[index] != at:
            left = self._segments[index - 1]
            starts.insert(index, at)
            self._segments.insert(index, Segment(left.write, dict(left.reads)))
        return index
