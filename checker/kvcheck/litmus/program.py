"""A litmus program as data: what the host calls, in order, and the bytes it starts with.

It decides the instruction set, not what an instruction means: that is said three times, by the
device it runs on, by `axioms` and by `kvspec.models.streams`, and the three are held to each other.
So nothing here resolves anything: which recording a wait means is for each of them to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from kvimpl.device.port import Space
from kvimpl.device.sim import POISON, Pageable

__all__ = ["POISON", "Outcome", "Pageable", "Program", "Space", "Step", "Verb", "space_of"]

Outcome: TypeAlias = tuple[int, ...]
"""What was read and asked, in the order of the text (yes is 1, not reached -1), then end bytes."""

NOT_REACHED = -1
LEGACY = "legacy"
PINNED = "PQR"
PAGEABLE = "GV"


class Verb(Enum):
    """What a step does; the comment is its notation."""

    WRITE = "write"  # P=2
    READ = "read"  # read P
    QUERY = "query"  # query e, q=query e
    SYNC = "sync"  # sync e, sync a, sync
    FREE = "free"  # free P
    ALLOC = "alloc"  # alloc Q
    DESTROY = "destroy"  # destroy e
    SET = "set"  # a: D=1, by a kernel that was passed the value
    SET_FROM = "set from"  # a: D=[V], the same; the host reads V for it
    COPY = "copy"  # a: D<-P
    KERNEL = "kernel"  # a: k(D<-P)
    ALIAS = "alias"  # a: alias(D<-P), a copy by an address that the allocator does not know
    REPLAY = "replay"  # a: replay(D<-P), of a graph that captured this copy
    CALL = "call"  # a: f(P=5), a host function
    BATCH = "batch"  # a: batch(D<-P E<-Q), a memcpyBatch
    RECORD = "record"  # a: record e, a: record e as m
    WAIT = "wait"  # a: wait e
    USES = "uses"  # a: uses D, torch's record_stream


WORK = frozenset(
    {
        Verb.SET,
        Verb.SET_FROM,
        Verb.COPY,
        Verb.KERNEL,
        Verb.ALIAS,
        Verb.REPLAY,
        Verb.CALL,
        Verb.BATCH,
        Verb.RECORD,
        Verb.WAIT,
    }
)
"""The verbs that put work into a stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call of the host; a field that its verb does not use is empty.

    `on` is what is recorded, waited for or asked: an event, a mark, a stream; empty is the device.
    `when` is the query that must have said yes; `copies` are a batch's, as (to, source).
    """

    verb: Verb
    stream: str = ""
    to: str = ""
    source: str = ""
    value: int = 0
    on: str = ""
    mark: str = ""
    result: str = ""
    when: str = ""
    copies: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A whole program. `start` are the bytes it begins with, `ends` those that it is judged by."""

    start: tuple[tuple[str, int], ...]
    threads: tuple[tuple[Step, ...], ...]
    ends: tuple[str, ...] = ()
    blocking: frozenset[str] = frozenset()
    pageable: Pageable = Pageable.STAGED

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, thread by thread."""
        return tuple(step for thread in self.threads for step in thread)

    @property
    def streams(self) -> tuple[str, ...]:
        """The streams, in order of first use."""
        return tuple(dict.fromkeys(step.stream for step in self.steps if step.stream))

    @property
    def places(self) -> tuple[str, ...]:
        """All places: those of the start, then those that are allocated."""
        allocated = [step.to for step in self.steps if step.verb is Verb.ALLOC]
        return tuple(dict.fromkeys([name for name, _ in self.start] + allocated))

    @property
    def marks(self) -> frozenset[str]:
        """The names of single recordings."""
        return frozenset(step.mark for step in self.steps if step.mark)

    @property
    def events(self) -> tuple[str, ...]:
        """The events, in order of first use."""
        used = [step.on for step in self.steps if step.on]
        others = {*self.streams, *self.marks}
        return tuple(dict.fromkeys(name for name in used if name not in others))

    def fences(self, stream: str, other: str) -> bool:
        """Whether work of the two streams keeps the order of its calls: one of them is legacy."""
        pair = {stream, other}
        return LEGACY in pair and len(pair) == 2 and pair - {LEGACY} <= self.blocking

    def reads_early(self, step: Step) -> bool:
        """Whether the call itself reads the source: an argument, or staged pageable memory."""
        if step.verb is Verb.SET_FROM:
            return True
        staged = self.pageable is Pageable.STAGED and step.verb is Verb.COPY
        return staged and space_of(step.source) is Space.PAGEABLE

    def returns_complete(self, step: Step) -> bool:
        """Whether the call returns when its work is done: a staged copy that leaves the device."""
        if self.pageable is not Pageable.STAGED or step.verb is not Verb.COPY:
            return False
        spaces = {space_of(step.to), space_of(step.source)}
        return space_of(step.to) is Space.PAGEABLE or Space.DEVICE not in spaces


def space_of(place: str) -> Space:
    """Where a place is, by its first letter: P, Q, R pinned; G, V pageable; others on the device"""
    if place[0] in PINNED:
        return Space.PINNED
    return Space.PAGEABLE if place[0] in PAGEABLE else Space.DEVICE
