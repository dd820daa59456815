"""A move that is under way: who moves, into whose slot, for which request.

It decides nothing. The scheduler refers to both blocks while it lasts.
"""

from __future__ import annotations

from dataclasses import dataclass

from kvspec.events import BlockId, Key, RequestId, SlotId, Stream


@dataclass(frozen=True, slots=True)
class Move:
    """A copy of `block`'s bytes from `source` to `target`, the slot of `other`.

    `forgotten` is what `other` cached, for when the copy cannot be sent.
    """

    stream: Stream
    request: RequestId
    block: BlockId
    other: BlockId
    source: SlotId
    target: SlotId
    forgotten: Key | None
