"""The words in which an implementation tells what it did, and what it shows of its state.

It decides names and arguments only: whether a step was allowed is the judge's business, and a
manager may import this module and nothing else of kvspec. The idea: a *step* is one linearisation
point and maps to one action of a design by `action`; a *part* is one line inside a step, where a
design that is cut finer has a step of its own; so one report serves designs of either grain.

The atomicity table. Each row is reported while its lock is held, after the change it names and
before the lock is let go; arguments are in the order of the spec action's parameters.

| event            | kind | spec action                                | made atomic by         |
|------------------|------|--------------------------------------------|------------------------|
| Allocate         | step | tiers.allocate(request)                    | pool lock              |
| OffloadAllocate  | step | tiers.offload_allocate(request, stream)    | pool lock over it      |
| Onboard          | step | tiers.onboard(block, request, stream)      | pool lock over it      |
| Reuse            | step | tiers.reuse(block, request)                | pool lock              |
| Commit           | step | tiers.commit(block, request)               | pool lock              |
| Release          | step | tiers.release(block, request)              | pool lock              |
| Pin              | step | tiers.pin(block)                           | pool lock over it      |
| Unpin            | step | tiers.unpin(block)                         | pool lock over it      |
| Complete         | step | tiers.complete(stream)                     | pool lock, after query |
| Expire           | step | retention.expire(block)                    | pool lock              |
| BeginStep        | step | copies.begin_step()                        | pool lock              |
| EndStep          | step | copies.end_step(work)                      | pool lock              |
| SendCopy         | part | copies.copy(work, stream, source, target)  | pool lock              |
| Claim            | part | stored.claim(block); offload.claim_*       | pool lock              |
| PutBack          | part | stored.release(block); offload.release_*   | pool lock              |
| Swap             | part | stored.swap(first, second); offload.swap   | pool lock              |
| Ask              | part | stored.reprioritise(block, priority)       | pool lock              |
| Evict            | part | none: `cached` becomes false               | pool lock              |
| Refuse           | step | none: the named guard conjunct is false    | pool lock              |

A step that a design has no action for is a stutter of that design. Parts come before their step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import (
    ClassVar,
    NamedTuple,
    NewType,
    Protocol,
    TypeAlias,
    TypeVar,
    dataclass_transform,
)

Kind = TypeVar("Kind")

BlockId = NewType("BlockId", int)
"""A bookkeeping object, 0 .. P+S-1; block b starts in slot b."""
SlotId = NewType("SlotId", int)
"""A place in memory: 0 .. P-1 are primary, P .. P+S-1 secondary."""
RequestId = NewType("RequestId", int)
"""A sequence, by the number its owner gave it."""
CopyId = NewType("CopyId", int)
"""The number of a copy in the order of enqueueing, over all streams."""
PinId = NewType("PinId", int)
"""The number of a pin; never used twice."""
Generation = NewType("Generation", int)
"""How often a block was handed out for new content."""
Key = NewType("Key", bytes)
"""What a cached block's bytes are: a digest of its tokens and all that precede them."""
Priority = NewType("Priority", int)
"""How long a block is worth keeping, 0 first to go."""


class Level(IntEnum):
    "Primary is device memory, secondary is pinned host memory."

    PRIMARY = 0
    SECONDARY = 1


class Stream(IntEnum):
    "The stream of copies to the device and the stream of copies to the host."

    ONBOARD = 0
    OFFLOAD = 1


class End(Enum):
    "Where an entry joins its queue."

    BACK = "back"
    FRONT = "front"
    AGAIN = "where it was, since the operation that claimed it failed"


class Detail(Enum):
    "How much a reporter wants to hear."

    STEPS = "steps"
    PARTS = "parts"


@dataclass_transform(frozen_default=True)
def _told(kind: type[Kind]) -> type[Kind]:
    """An event: a value of its own type, which type checkers hold to be frozen.

    Python itself would freeze it by a slower way to set each field, and events are made at each
    step: three fields take 0.4 us so, and 0.13 us like this.
    """
    return dataclass(slots=True, unsafe_hash=True)(kind)


# ---- steps: one linearisation point each


@_told
class Allocate:
    "The oldest free primary block was taken, and whatever it cached is forgotten."

    action: ClassVar[str] = "allocate"
    request: RequestId
    block: BlockId
    slot: SlotId
    generation: Generation


@_told
class OffloadAllocate:
    "The oldest free primary block's bytes are on their way down, and `block` took its slot."

    action: ClassVar[str] = "offload_allocate"
    request: RequestId
    stream: Stream
    block: BlockId
    victim: BlockId
    copy: CopyId
    generation: Generation


@_told
class Onboard:
    "A cached block's bytes are on their way up to the slot that `room` had."

    action: ClassVar[str] = "onboard"
    block: BlockId
    request: RequestId
    stream: Stream
    room: BlockId
    copy: CopyId
    key: Key


@_told
class Reuse:
    "A request holds a cached primary block too."

    action: ClassVar[str] = "reuse"
    block: BlockId
    request: RequestId
    key: Key


@_told
class Commit:
    "The one holder has filled the block, and `key` finds it from now on."

    action: ClassVar[str] = "commit"
    block: BlockId
    request: RequestId
    key: Key


@_told
class Release:
    "A request let go of a block."

    action: ClassVar[str] = "release"
    block: BlockId
    request: RequestId


@_told
class Pin:
    "A reader outside the scheduler holds the block where it is, and was told this slot."

    action: ClassVar[str] = "pin"
    block: BlockId
    pin: PinId
    slot: SlotId


@_told
class Unpin:
    "That reader is done."

    action: ClassVar[str] = "unpin"
    block: BlockId
    pin: PinId


@_told
class Complete:
    "The host saw that a stream's oldest copy is complete."

    action: ClassVar[str] = "complete"
    stream: Stream
    copy: CopyId
    source: SlotId
    target: SlotId


@_told
class Expire:
    "A free block's time of special priority is over."

    action: ClassVar[str] = "expire"
    block: BlockId


@_told
class BeginStep:
    "Both copy streams wait for the compute so far, and the pending entries are forgotten."

    action: ClassVar[str] = "begin_step"


@_told
class EndStep:
    "Compute waits for both copy streams, and the pending entries are forgotten."

    action: ClassVar[str] = "end_step"


@_told
class Refuse:
    """Nothing changed: the action was wanted, and its guard's conjunct `guard` is false.

    `guard` is worded as in the design. The arguments that the action would have had, as far as they
    were known.
    """

    action: str
    guard: str
    request: RequestId | None = None
    block: BlockId | None = None
    stream: Stream | None = None


# ---- parts: one line inside a step


@_told
class Claim:
    "A block left the queue of this level and priority, and that level's counter was told."

    block: BlockId
    level: Level
    priority: Priority


@_told
class PutBack:
    "A block joined the queue of this level and priority, and that level's counter was told."

    block: BlockId
    level: Level
    priority: Priority
    end: End


@_told
class Evict:
    "A block no longer caches its content."

    block: BlockId
    key: Key


@_told
class Swap:
    "Two blocks exchanged their slots."

    first: BlockId
    second: BlockId


@_told
class SendCopy:
    "A copy between two slots was enqueued, with its waits before it and its event after it."

    copy: CopyId
    stream: Stream
    source: SlotId
    target: SlotId


@_told
class Ask:
    "A block is to be kept at this priority: until its time is over if `timed`, else for good."

    block: BlockId
    priority: Priority
    timed: bool


Step: TypeAlias = (
    Allocate
    | OffloadAllocate
    | Onboard
    | Reuse
    | Commit
    | Release
    | Pin
    | Unpin
    | Complete
    | Expire
    | BeginStep
    | EndStep
    | Refuse
)
Part: TypeAlias = Claim | PutBack | Evict | Swap | SendCopy | Ask
Event: TypeAlias = Step | Part


# ---- what is shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The sizes of one manager, and which priorities mean what; they never change.

    Blocks and slots are numbered alike: block b starts in slot b, primary slots come first. A block
    of a priority below `offload_priority_min` is not worth a copy to secondary.
    """

    primary_count: int
    secondary_count: int
    priority_count: int
    references_max: int
    pins_max: int
    copies_max: int
    default_priority: Priority = Priority(0)
    offload_priority_min: Priority = Priority(0)

    @property
    def block_count(self) -> int:
        return self.primary_count + self.secondary_count

    def level_of(self, slot: SlotId) -> Level:
        return Level.PRIMARY if slot < self.primary_count else Level.SECONDARY


class Observation(NamedTuple):
    """What an implementation shows of its state, between two lines under its lock.

    A named tuple, since one is made for each judged step; give its fields by keyword.
    `None` declares a blind spot: the implementation cannot show this, and nobody may judge it.
    Tuples are indexed by block, except `free` and `free_count` (by level, then priority, oldest
    first), and `pending` (by stream, oldest first, pairs of source and target slot). `queued` is
    for those who know what is free but not in which order.
    """

    slot: tuple[SlotId, ...] | None = None
    refs: tuple[int, ...] | None = None
    pins: tuple[int, ...] | None = None
    holders: tuple[frozenset[RequestId], ...] | None = None
    cached: tuple[bool, ...] | None = None
    keys: tuple[Key | None, ...] | None = None
    generations: tuple[Generation, ...] | None = None
    free: tuple[tuple[tuple[BlockId, ...], ...], ...] | None = None
    queued: tuple[frozenset[BlockId], ...] | None = None
    free_count: tuple[int, ...] | None = None
    pending: tuple[tuple[tuple[SlotId, SlotId], ...], ...] | None = None
    priority: tuple[Priority, ...] | None = None
    timed: tuple[bool, ...] | None = None
    expiring: frozenset[BlockId] | None = None

    @property
    def blind_spots(self) -> frozenset[str]:
        """The names of the fields that this implementation cannot show."""
        return frozenset(name for name in self._fields if getattr(self, name) is None)


class Shown(Protocol):
    """What a reporter may look at while it is being told; it must not keep it."""

    @property
    def shape(self) -> Shape: ...

    def observe(self) -> Observation: ...


class Reporter(Protocol):
    """Who is told. It is called under the lock, so it must not call the manager's operations.

    What it raises leaves the manager in mid-step: for a judge in a test that is the point, and no
    operation of that manager is to be trusted afterwards.
    """

    @property
    def detail(self) -> Detail: ...

    def report(self, event: Event, shown: Shown) -> None: ...


@dataclass(frozen=True, slots=True)
class Listener:
    """A reporter out of a function, for tests and small tools."""

    told: Callable[[Event, Shown], None]
    detail: Detail = Detail.STEPS

    def report(self, event: Event, shown: Shown) -> None:
        self.told(event, shown)
