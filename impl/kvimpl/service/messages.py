"""What clients ask and the service answers: msgpack, one tagged map each.

It decides the words only. Every request names its client and counts up, so that a request that is
sent twice is answered twice and done once.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

BYTES_MAX = 64 * 1024
"""A request is never longer; a longer one is not read."""


class Asked(msgspec.Struct, frozen=True, tag_field="ask"):
    """`client` is a name that nobody else has; `number` grows with each new request of it."""

    client: str
    number: int


class Pin(Asked, frozen=True, tag="pin"):
    """Find the block that has the key's content, and hold it where it is."""

    key: bytes


class Read(Asked, frozen=True, tag="read"):
    """The bytes of a block that this client has pinned."""

    lease: int


class Renew(Asked, frozen=True, tag="renew"):
    """Hold on for another lease's time."""

    lease: int


class Unpin(Asked, frozen=True, tag="unpin"):
    """Let go."""

    lease: int


Request: TypeAlias = Pin | Read | Renew | Unpin


class Pinned(msgspec.Struct, frozen=True, tag_field="answer", tag="pinned"):
    """The block is held in `slot` for so many seconds from now, and has `nbytes` bytes."""

    lease: int
    slot: int
    nbytes: int
    seconds: float


class Content(msgspec.Struct, frozen=True, tag_field="answer", tag="content"):
    """The bytes, as they were while the block was held."""

    data: bytes


class Done(msgspec.Struct, frozen=True, tag_field="answer", tag="done"):
    """It is so."""


class Absent(msgspec.Struct, frozen=True, tag_field="answer", tag="absent"):
    """No block has the key's content."""


class Refused(msgspec.Struct, frozen=True, tag_field="answer", tag="refused"):
    """Nothing was done: what happened, the likely cause, what to do."""

    why: str


Answer: TypeAlias = Pinned | Content | Done | Absent | Refused

REQUESTS = msgspec.msgpack.Decoder(Request)
ANSWERS = msgspec.msgpack.Decoder(Answer)


def packed(message: Request | Answer) -> bytes:
    """The message as it goes over the wire."""
    return msgspec.msgpack.encode(message)
