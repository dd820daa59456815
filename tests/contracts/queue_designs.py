"""The two queue designs under the same two moves, for `crosshair diffbehavior` to compare.

It decides which moves are compared, not what either design should do. A block is put on a queue and
claimed; *moved* means that its level or priority may have changed in between, as in case S1, and
*kept* that the caller claims a block before it changes them.
"""

from __future__ import annotations

from kvimpl.blocks.errors import QueueFault
from kvimpl.blocks.queue import FreeQueues, NamedQueues, StoredQueues
from kvspec.events import BlockId, Level, Priority


def named_moved(level: bool, priority: bool, other_level: bool, other_priority: bool) -> str:
    """Named queues, where the block may have changed while it was queued."""
    queues = NamedQueues(priority_count=2)
    return put_and_claimed(queues, level, priority, other_level, other_priority)


def stored_moved(level: bool, priority: bool, other_level: bool, other_priority: bool) -> str:
    """Stored queues, where the block may have changed while it was queued."""
    queues = StoredQueues(priority_count=2)
    return put_and_claimed(queues, level, priority, other_level, other_priority)


def named_kept(level: bool, priority: bool) -> str:
    """Named queues, where the block is what it was when it was put."""
    return named_moved(level, priority, level, priority)


def stored_kept(level: bool, priority: bool) -> str:
    """Stored queues, where the block is what it was when it was put."""
    return stored_moved(level, priority, level, priority)


def put_and_claimed(
    queues: FreeQueues, level: bool, priority: bool, other_level: bool, other_priority: bool
) -> str:
    """What is left after the block was put, and claimed as what it has become."""
    block = BlockId(0)
    queues.put(block, Level(int(level)), Priority(int(priority)))
    try:
        queues.claim(block, Level(int(other_level)), Priority(int(other_priority)))
    except QueueFault:
        return f"refused, {queues.counts} free"
    return f"claimed, {queues.counts} free, {queues.order()}"
