"""The calls that a program made of a device, in the order in which they took effect.

It decides what is written down of a call: who made it, from which line, what it put where and what
it waits for. What the calls order is read off by `order`; nothing here runs anything. A wait names
what it waits for as the program did, an event or a mark or a stream, so that a journal can be read
again with a call added.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kvimpl.device.port.findings import Access, SourceLine
from kvimpl.device.port.values import Mode

FREE = "free of "
LEGACY = "legacy"
NO_LINE = SourceLine("?", 0, "?")


class Does(Enum):
    """What a call does to order, or to bytes."""

    WORK = "work"
    RECORD = "record"
    WAIT = "wait"
    QUERY = "query"
    SYNCHRONIZE = "synchronize"
    HOST = "host access"
    ALLOC = "alloc"
    FREE = "free"
    SPAWN = "spawn"
    JOIN = "join"
    ACQUIRE = "acquire"
    RELEASE = "release"
    SHARED = "shared value"


ENQUEUES = frozenset({Does.WORK, Does.RECORD, Does.WAIT})
AWAITS = frozenset({Does.WAIT, Does.QUERY, Does.SYNCHRONIZE})


class Named(Enum):
    """As what a wait names what it waits for."""

    EVENT = "event"
    MARK = "mark"
    STREAM = "stream"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class On:
    """What is waited for: an event by its number, a mark by the call that recorded it, a stream."""

    named: Named
    number: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """A range of bytes of one life of a buffer, and what is done to it."""

    buffer: str
    start: int
    stop: int
    mode: Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call. `label` is the name of the work, event, buffer, lock or task that it is about.

    `steps` are the steps of the run that were its own, first and last; `number` is that of its
    event, `op` the device's own number of what it enqueued. `returns_done`: it returns when its
    work has completed, as a copy into pageable memory may.
    """

    id: int
    task: str
    does: Does
    label: str
    at: SourceLine = NO_LINE
    steps: tuple[int, int] = (0, 0)
    stream: str = ""
    on: On | None = None
    answer: bool = True
    number: int = 0
    op: int = 0
    uses: tuple[Use, ...] = ()
    returns_done: bool = False

    @property
    def step(self) -> int:
        """The step at which it took effect."""
        return self.steps[1]

    @property
    def waits_for_event(self) -> bool:
        """Whether it waits for, or asks about, a recording."""
        return self.on is not None and self.on.named in (Named.EVENT, Named.MARK)


@dataclass(frozen=True, slots=True)
class Journal:
    """The calls of one run, the streams that the legacy stream fences, and when work executed."""

    calls: tuple[Call, ...]
    blocking: frozenset[str]
    executed: tuple[tuple[int, int], ...]

    def call_of(self, access: Access) -> Call | None:
        """The call that an access of a finding was made by."""
        if access.does.startswith(FREE):
            name = access.buffer
            frees = [c for c in self.calls if c.does is Does.FREE and c.uses[0].buffer == name]
            return frees[0] if frees else None
        op = dict(self.executed).get(access.step)
        for call in self.calls:
            if call.op and call.op == op and call.stream == access.actor:
                return call
        own = [call for call in self.calls if call.task == access.actor]
        for call in own:
            if call.steps[0] <= access.step <= call.steps[1]:
                return call
        # a host access may last: others ran inside it, and its end is a later step
        lasting = [
            call
            for call in own
            if call.does is Does.HOST
            and call.step < access.step
            and any(use.buffer == access.buffer for use in call.uses)
        ]
        return lasting[-1] if lasting else None

    def executes(self, access: Access) -> bool:
        """Whether the access was made by work in a stream, not by the host itself."""
        call = self.call_of(access)
        return call is not None and call.does is Does.WORK and call.stream == access.actor

    def place(self, call: Call) -> int:
        """Which call it is, from 0: the order in which calls took effect."""
        return self.calls.index(call)
