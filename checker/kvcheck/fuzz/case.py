"""What one fuzzed run is, as data: sizes, what each task calls, and in which order all is done.

It decides what a case may say, and nothing about how it is run or judged. The idea: calls name
requests, keys and *places* ("the second block of request 0's table"), never handles, so that a case
from which calls were struck out still means something: a call whose place is empty does nothing.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

SIM_NAME = "sim"
"""The device whose runs are told by their schedule, as records name it."""


class Call(msgspec.Struct, frozen=True, tag=True, tag_field="call"):
    """One call of the manager, or one thing done to its device or clock."""


class BeginStep(Call, frozen=True):
    """`begin_step`."""


class EndStep(Call, frozen=True):
    """`end_step`."""


class Acquire(Call, frozen=True):
    """`acquire`; a hit joins the request's table."""

    request: int
    key: int


class Allocate(Call, frozen=True):
    """`allocate`, asked to be kept at `priority` for `seconds` (None: for good), or by default."""

    request: int
    priority: int | None = None
    seconds: int | None = None


class Fill(Call, frozen=True):
    """A kernel on the compute stream fills the block at a place with the bytes of a key."""

    request: int
    place: int
    key: int


class Read(Call, frozen=True):
    """A kernel on the compute stream reads the block at a place; its bytes are checked later."""

    request: int
    place: int


class Commit(Call, frozen=True):
    """`commit` of the block at a place, under the key that it was filled with."""

    request: int
    place: int


class Release(Call, frozen=True):
    """`release` of the block at a place."""

    request: int
    place: int


class ReleaseAll(Call, frozen=True):
    """`release_request`."""

    request: int


class Pin(Call, frozen=True):
    """`pin` of the block at a place; the receipt joins the task's receipts."""

    request: int
    place: int


class PinKey(Call, frozen=True):
    """`pin_key`; the receipt, if any, joins the task's receipts."""

    key: int


class ReadPinned(Call, frozen=True):
    """The reader waits for its receipt's marks, copies the bytes out and checks them."""

    receipt: int


class Unpin(Call, frozen=True):
    """`unpin` of one of the task's receipts."""

    receipt: int


class Again(Call, frozen=True):
    """A misuse: `release` or `unpin` again of the handle or receipt that was last given up."""

    of: str


class Poll(Call, frozen=True):
    """`poll`."""


class Refresh(Call, frozen=True):
    """The clock goes on by `seconds`, then `refresh`."""

    seconds: int = 0


AnyCall: TypeAlias = (
    BeginStep
    | EndStep
    | Acquire
    | Allocate
    | Fill
    | Read
    | Commit
    | Release
    | ReleaseAll
    | Pin
    | PinKey
    | ReadPinned
    | Unpin
    | Again
    | Poll
    | Refresh
)


class Sizes(msgspec.Struct, frozen=True):
    """The manager's settings, in the words of `PoolSettings`."""

    primary_count: int
    secondary_count: int = 0
    priority_count: int = 1
    default_priority: int = 0
    offload_priority_min: int = 0
    references_max: int = 3
    pins_max: int = 2
    copies_max: int = 2
    queues: str = "named"
    slot_bytes: int = 64


class Case(msgspec.Struct, frozen=True):
    """One run: the manager's sizes, the calls of each task (the first is the scheduler), the order.

    `order` is `eager`, `host-first`, `random SEED`, `pct SEED DEPTH STEPS` or `replay LINE`, whose
    line is a schedule as `kvcheck.schedule.written` writes it. `manager` is `blocks`, or the id of
    one of `kvimpl.bugs`.
    """

    sizes: Sizes
    tasks: tuple[tuple[AnyCall, ...], ...]
    order: str
    manager: str = "blocks"


class Failure(msgspec.Struct, frozen=True):
    """What went wrong in a run, and the class by which failures are told apart and shrunk.

    `kind` is refused, finding, bytes, leak, error or stuck; `detail` names what it is without any
    number that another size or order would change: reason, action and conjunct of a refusal; the
    kinds of access of a finding; the type of an error. `words` is the whole report for a reader;
    `witness` what was read wrong in the same run, where it was found by other means.
    """

    kind: str
    detail: str
    words: str
    witness: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """The failure's class."""
        return self.kind, self.detail


class Ran(msgspec.Struct, frozen=True):
    """A case that was run: its failure if any, the schedule as it went, and what it covered.

    `covered` holds names of actions, guard conjuncts with the way they went, goals and states'
    digests; `steps` are the judged steps. On a `device` other than sim the line is empty.
    `unwitnessed` is what the judge did not see of the device, as bytes in a run without a copy.
    """

    failure: Failure | None
    line: str
    steps: int
    covered: frozenset[str] = frozenset()
    device: str = SIM_NAME
    unwitnessed: frozenset[str] = frozenset()
