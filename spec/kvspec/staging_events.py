"""The words in which a staging of page tables tells what it did, and what it shows of itself.

It decides names and arguments only; whether a step was allowed is the judge's business. The idea:
the host's steps are told by whoever takes them, after the change that they name and before anything
else is called; what the device does, and what the host learns of it by waiting or asking, no
staging can tell, so the judge takes it from the device and words it in the same way.

The atomicity table. All of it is for one host thread.

| event      | told by     | spec action                                            |
|------------|-------------|--------------------------------------------------------|
| OpenTable  | the table   | the initial state                                      |
| Bind       | the index   | staging-v2: bind(request, slot, the row as it is)      |
| EndRequest | the index   | staging-v2: end_request(request)                       |
| WriteRow   | the table   | write_row(...): once all pools' rows are written       |
| Ask        | the table   | staging-v1: ask(reader, cache)                         |
| Stage      | the staging | staging-v1: stage(...): the copy is in its stream      |
| GiveUp     | the staging | staging-v1: give_up(buffer): it was freed              |
| Launch     | the staging | staging-v2: launch(...): the event is recorded         |
| Retire     | the staging | staging-v2: retire(): the oldest inputs were freed     |
| Observe    | the judge   | observe(): a wait returned, or a query said yes        |
| Finish     | the judge   | finish(stream): the simulated device executed the work |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple, NewType, Protocol, TypeAlias

from kvspec.events import RequestId

SlotNumber = NewType("SlotNumber", int)
"""The number of a row of the table."""
MemoryId = NewType("MemoryId", int)
"""Bytes of host memory, whatever life they are in: an allocator may give them out again."""
ShipmentId = NewType("ShipmentId", int)
"""The number of a shipment of one staging, from 0; never used twice."""
ReaderId = NewType("ReaderId", int)
"""The number of a reader of one table, from 0."""
MarkId: TypeAlias = tuple[int, int]
"""One recording of an event: the event's number, and the recording's."""
Rows: TypeAlias = tuple[tuple[int, ...], ...]
"""The pages of one slot, a row a pool."""


@dataclass(frozen=True, slots=True)
class OpenTable:
    "The table is there, and no row of it has a page."

    table: MemoryId


@dataclass(frozen=True, slots=True)
class Bind:
    "A request has a slot, whose row says what it said."

    action: ClassVar[str] = "bind"
    request: RequestId
    slot: SlotNumber


@dataclass(frozen=True, slots=True)
class EndRequest:
    "A request has ended, and its slot is free."

    action: ClassVar[str] = "end_request"
    request: RequestId
    slot: SlotNumber


@dataclass(frozen=True, slots=True)
class WriteRow:
    "The row of a request's slot says this from now on."

    action: ClassVar[str] = "write_row"
    request: RequestId
    slot: SlotNumber
    rows: Rows


@dataclass(frozen=True, slots=True)
class Ask:
    "A reader was bound to the table's memory."

    action: ClassVar[str] = "ask"
    reader: ReaderId
    table: MemoryId


@dataclass(frozen=True, slots=True)
class Stage:
    "A copy of these slots' rows, out of this memory, is in the stream."

    action: ClassVar[str] = "stage"
    shipment: ShipmentId
    slots: tuple[SlotNumber, ...]
    source: MemoryId
    stream: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    "The host has freed the source of a copy."

    action: ClassVar[str] = "give_up"
    source: MemoryId


@dataclass(frozen=True, slots=True)
class Launch:
    "A gather of these requests' rows, out of this memory, and its event are in the stream."

    action: ClassVar[str] = "launch"
    shipment: ShipmentId
    requests: tuple[RequestId, ...]
    source: MemoryId
    stream: str


@dataclass(frozen=True, slots=True)
class Retire:
    "The inputs of the oldest gather that is kept were freed."

    action: ClassVar[str] = "retire"
    shipment: ShipmentId


@dataclass(frozen=True, slots=True)
class Observe:
    "The host knows that a shipment is complete."

    action: ClassVar[str] = "observe"
    shipment: ShipmentId


@dataclass(frozen=True, slots=True)
class Finish:
    "The device has executed a shipment; `read` is what it read, a slot's rows after the other."

    action: ClassVar[str] = "finish"
    shipment: ShipmentId
    stream: str
    read: tuple[Rows, ...]


Told: TypeAlias = OpenTable | Bind | EndRequest | WriteRow | Ask | Stage | GiveUp | Launch | Retire
Seen: TypeAlias = Observe | Finish
StagingEvent: TypeAlias = Told | Seen


class Kept(NamedTuple):
    """A shipment whose inputs are kept: where its rows are, and the mark that guards them."""

    shipment: ShipmentId
    source: MemoryId
    mark: MarkId


class Observation(NamedTuple):
    """What is shown between two lines of the host; give its fields by keyword.

    `None` declares a blind spot: who tells the event does not know this. `kept` is oldest first.
    """

    bound: frozenset[tuple[RequestId, SlotNumber]] | None = None
    free: frozenset[SlotNumber] | None = None
    table: MemoryId | None = None
    kept: tuple[Kept, ...] | None = None


class Shown(Protocol):
    """What a reporter may look at while it is being told; it must not keep it."""

    def observe(self) -> Observation: ...


class Reporter(Protocol):
    """Who is told. It must not call what tells it, nor the device."""

    def report(self, event: Told, shown: Shown) -> None: ...
