"""Which action a call becomes: offload or forget, reuse or onboard, or a miss and why.

It decides by asking the pool, and changes nothing itself but by the one action it chose. The idea:
guards are looked at in the order of the design's, so that a refusal names the first that is false;
and completions are looked for before the choice, since they may change which block is oldest.
"""

from __future__ import annotations

from kvimpl.blocks.handles import Miss
from kvimpl.blocks.pool import BlockPool
from kvspec.events import BlockId, Key, Level, RequestId, Stream


def poll(pool: BlockPool) -> int:
    """Take note of every complete copy, by stream, oldest first; how many there were."""
    count = 0
    for stream in Stream:
        while pool.complete(stream):
            count += 1
    return count


def oldest_primary(pool: BlockPool, stream: Stream) -> BlockId | None:
    """The block to evict next, after looking for completions if it or the stream wants them."""
    block = pool.queues.front(Level.PRIMARY)
    if block is None or not pool.takes_a_copy(stream):
        poll(pool)
        block = pool.queues.front(Level.PRIMARY)
    return block


def spare_for(pool: BlockPool, victim: BlockId, request: RequestId) -> BlockId | None:
    """The host block that takes the victim's bytes, or None: then they are forgotten."""
    spare = pool.queues.front(Level.SECONDARY)
    if spare is None:
        guard = "a secondary block is free"
    elif not pool.takes_a_copy(Stream.OFFLOAD):
        guard = "the stream takes one more copy"
    elif pool.keys[victim] is None:
        guard = "the primary block is worth keeping"
    elif not pool.is_worth_a_copy(victim):
        guard = "it is worth a copy"
    else:
        return spare
    pool.refuse("offload_allocate", guard, request=request, stream=Stream.OFFLOAD)
    return None


def reuse_or_miss(pool: BlockPool, block: BlockId, request: RequestId, key: Key) -> Miss | None:
    """The request holds a cached primary block too; None if so."""
    if pool.refs[block] >= pool.settings.references_max:
        pool.refuse("reuse", "the reference fits the counter", block=block, request=request)
        return Miss.SHARED_TOO_OFTEN
    pool.reuse(block, request, key)
    return None


def onboard_or_miss(pool: BlockPool, block: BlockId, request: RequestId, key: Key) -> Miss | None:
    """The cached host block is brought home and held; None if so."""
    if not pool.can_move(block):
        poll(pool)
    room = oldest_primary(pool, Stream.ONBOARD)
    if not pool.can_move(block):
        guard, miss = "it is free in secondary", Miss.BUSY_IN_HOST
    elif room is None:
        guard, miss = "a primary block is free", Miss.NO_ROOM
    elif not pool.takes_a_copy(Stream.ONBOARD):
        guard, miss = "the stream takes one more copy", Miss.STREAM_FULL
    else:
        pool.onboard(block, room, request, key)
        return None
    pool.refuse("onboard", guard, block=block, request=request, stream=Stream.ONBOARD)
    return miss
