"""The words in which the shared manager tells its atomic steps, and what it shows with them.

It decides names only. Each step is one of the design `remote` (`spec/kvspec/models/remote.py`):

| step                     | of the design                            | told                       |
|--------------------------|------------------------------------------|----------------------------|
| Allocated, NothingFree   | ask; scheduler__start or __idle          | under the lock             |
| ClaimedDown, ClaimedUp   | the same, and a copy is to come          | under the lock             |
| Joined, Missed, Released | the same                                 | under the lock             |
| Sent                     | scheduler__claimed, scheduler__matched   | with the copy, no lock     |
| Swapped, Stayed          | scheduler__sent, scheduler__coming       | under the lock             |
| Arrived                  | scheduler__swapped, scheduler__came      | under the same lock, still |
| Committed                | fill                                     | under the lock             |
| Pinned, Full             | order; reader__start or reader__idle     | under the lock             |
| Reads                    | reader__pinned                           | after the wait, no lock    |
| Unpinned                 | reader__reads                            | under the lock             |

The order in which steps are told is the order of their lock. Sent and Reads are ordered by the
copy: on real threads a reporter that judges them needs a lock of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

from kvspec.events import (
    BlockId,
    CopyId,
    Generation,
    Key,
    PinId,
    RequestId,
    Shape,
    SlotId,
    Stream,
)


@dataclass(frozen=True, slots=True)
class Allocated:
    "A free primary block was taken for a request, and what it cached is forgotten."

    request: RequestId
    block: BlockId


@dataclass(frozen=True, slots=True)
class NothingFree:
    "A request wanted a block, and no primary block is free."

    request: RequestId


@dataclass(frozen=True, slots=True)
class ClaimedDown:
    "A block is to be copied down to the slot of a spare one; the scheduler refers to both."

    request: RequestId
    block: BlockId
    spare: BlockId


@dataclass(frozen=True, slots=True)
class ClaimedUp:
    "A cached block is to be copied up to the slot of a free one; the scheduler refers to both."

    request: RequestId
    block: BlockId
    room: BlockId


@dataclass(frozen=True, slots=True)
class Joined:
    "A request holds a cached block that is in device memory."

    request: RequestId
    block: BlockId


@dataclass(frozen=True, slots=True)
class Missed:
    "A request wanted a cached block that cannot be had now."

    request: RequestId
    block: BlockId


@dataclass(frozen=True, slots=True)
class Sent:
    "A copy is in its stream; `label` is its operation's."

    copy: CopyId
    stream: Stream
    source: SlotId
    target: SlotId
    label: str


@dataclass(frozen=True, slots=True)
class Swapped:
    "After the second look: nobody came, and the two blocks have exchanged their slots."

    block: BlockId
    other: BlockId


@dataclass(frozen=True, slots=True)
class Stayed:
    "After the second look: a reader has come, and both blocks are where they were."

    block: BlockId
    other: BlockId


@dataclass(frozen=True, slots=True)
class Arrived:
    "The block is in the request's table, and the scheduler refers to neither any more."

    request: RequestId
    block: BlockId


@dataclass(frozen=True, slots=True)
class Released:
    "A request let go of a block."

    request: RequestId
    block: BlockId


@dataclass(frozen=True, slots=True)
class Committed:
    "A request has filled a block, and its key finds it."

    request: RequestId
    block: BlockId
    key: Key


@dataclass(frozen=True, slots=True)
class Pinned:
    "A reader holds a cached block and was told its slot."

    pin: PinId
    block: BlockId
    slot: SlotId


@dataclass(frozen=True, slots=True)
class Full:
    "A reader wanted a block that has as many references as it can count."

    block: BlockId


@dataclass(frozen=True, slots=True)
class Reads:
    "A reader has waited for its slot to be written, and reads it from here on."

    pin: PinId


@dataclass(frozen=True, slots=True)
class Unpinned:
    "That reader is done."

    pin: PinId
    block: BlockId


@dataclass(frozen=True, slots=True)
class GaveUp:
    "The device refused a copy, and both blocks are back where they were. The design has no fault."

    block: BlockId
    other: BlockId


SharedStep: TypeAlias = (
    Allocated
    | NothingFree
    | ClaimedDown
    | ClaimedUp
    | Joined
    | Missed
    | Sent
    | Swapped
    | Stayed
    | Arrived
    | Released
    | Committed
    | Pinned
    | Full
    | Reads
    | Unpinned
    | GaveUp
)


class SharedState(NamedTuple):
    """What the manager shows: tuples by block, but `free` and `free_count` by level.

    `noted` has, by slot, the copy that was last noted to write it.
    """

    slot: tuple[SlotId, ...]
    refs: tuple[int, ...]
    holders: tuple[frozenset[RequestId], ...]
    in_hand: tuple[bool, ...]
    keys: tuple[Key | None, ...]
    generations: tuple[Generation, ...]
    free: tuple[tuple[BlockId, ...], ...]
    free_count: tuple[int, ...]
    noted: tuple[CopyId | None, ...]


class SharedShown(Protocol):
    """What a reporter may look at while it is being told."""

    @property
    def shape(self) -> Shape: ...

    def observe(self) -> SharedState: ...


class SharedReporter(Protocol):
    """Who is told; it must not call the manager or the device."""

    def report(self, step: SharedStep, shown: SharedShown) -> None: ...
