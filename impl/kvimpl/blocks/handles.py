"""What callers hold: a block as it was handed out, and the receipt of a pin.

They decide nothing; the manager judges them. The idea: a handle names the generation of the
content, so that one kept too long is told from the handle of whoever has the block now.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from kvimpl.device.port import Mark, View
from kvimpl.device.port.handle import handle
from kvspec.events import BlockId, Generation, PinId, SlotId


@dataclass(frozen=True, slots=True, eq=False)
class ManagerMark:
    """Stands for one manager in its handles; equal to itself only."""


@handle
class BlockHandle:
    """A block while it has the content it was handed out for."""

    block: BlockId
    generation: Generation
    manager: ManagerMark = field(repr=False)


@handle
class PinReceipt:
    """A pinned block: where its bytes are until `unpin`, readable once all of `after` is complete.

    `after` has at most one mark; a reader on a stream waits for it there, a reader on the host
    synchronises with it.
    """

    pin: PinId
    handle: BlockHandle
    slot: SlotId
    view: View
    after: tuple[Mark, ...]


class Miss(Enum):
    """Why content cannot be had: the caller computes it anew in a block from `allocate`."""

    UNKNOWN = "no block caches it"
    BUSY_IN_HOST = "its block is in host memory, in a copy or pinned"
    NO_ROOM = "its block is in host memory, and no device block is free"
    STREAM_FULL = "its block is in host memory, and no more copies may be in flight"
    SHARED_TOO_OFTEN = "its block has as many references as the settings allow"


class Stored(Enum):
    """What a commit did."""

    STORED = "the key finds this block from now on"
    DUPLICATE = "the key finds another block already; this one stays private"
