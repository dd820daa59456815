"""What threads called and were answered: a history of operations, each with when it was under way.

It decides what of a call is kept and in which words; whether the answers fit together is the
search's. The idea: one counter numbers every call and every return, so that two operations overlap
exactly if their spans do, whichever clock the threads were on.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import Enum
from itertools import count


class Call(Enum):
    """A public operation of a block manager."""

    ALLOCATE = "allocate"
    ACQUIRE = "acquire"
    COMMIT = "commit"
    RELEASE = "release"
    PIN = "pin"
    PIN_KEY = "pin_key"
    UNPIN = "unpin"
    SLOT_OF = "slot_of"


class Said(Enum):
    """How an operation ended, in the contract's words."""

    DONE = "done"
    DUPLICATE = "the key is another block's"
    ABSENT = "no block has the key"
    STALE = "the handle is stale"
    NOT_HELD = "the request does not hold it"
    NOT_PINNED = "the pin is spent"
    NOT_CACHED = "it has no content"
    HAS_KEY = "it has a key already"
    REFUSED = "refused, for want of room or of a count"
    CRASHED = "ended in an error that no caller may see"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One call: who, what, the answer, and its span on the history's counter, both ends included.

    `block` is None where the answer names no block; `error` is an error's words, for `CRASHED`.
    """

    thread: str
    call: Call
    called: int
    returned: int
    said: Said
    request: int | None = None
    key: bytes | None = None
    block: int | None = None
    generation: int | None = None
    pin: int | None = None
    slot: int | None = None
    error: str = ""

    def __str__(self) -> str:
        shown = ("request", "key", "block", "generation", "pin", "slot")
        values = [(f.name, getattr(self, f.name)) for f in fields(self) if f.name in shown]
        told = ", ".join(f"{name} {_plain(value)}" for name, value in values if value is not None)
        ended = "" if self.said is Said.DONE else f": {self.error or self.said.value}"
        return f"[{self.called}, {self.returned}] {self.thread}: {self.call.value}({told}){ended}"


def _plain(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


@dataclass(frozen=True, slots=True)
class History:
    """The finished operations of one run, by the time of their call.

    `lost` is how many blocks were missing when everybody had let go of everything.
    """

    operations: tuple[Operation, ...]
    lost: int = 0


@dataclass(slots=True)
class Tape:
    """Collects operations from any number of threads; both of its calls are atomic in CPython."""

    _now: count[int] = field(default_factory=count)
    _kept: list[Operation] = field(default_factory=list)

    def tick(self) -> int:
        """The next moment of the counter."""
        return next(self._now)

    def keep(self, operation: Operation) -> None:
        """Add a finished operation."""
        self._kept.append(operation)

    def history(self, lost: int) -> History:
        """All that was kept, by the time of the call."""
        return History(tuple(sorted(self._kept, key=lambda o: o.called)), lost)
