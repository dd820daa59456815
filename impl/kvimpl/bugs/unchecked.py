"""Queues that trust their callers, as the ones in which the bugs of case S1 stayed silent.

They decide what std::list does when used wrongly: erasing by an iterator takes the entry out of
whichever list owns it, while the list that was asked counts down. The idea: a wrong claim does not
crash, and the counters agree again at the end of the call.
"""

from __future__ import annotations

from kvimpl.blocks.pool import BlockPool
from kvimpl.blocks.queue import FreeQueues, Order, Ticket
from kvimpl.blocks.settings import PoolSettings
from kvspec.events import BlockId, End, Level, Priority


class UncheckedQueues:
    """A block may be in several queues, or twice in one; its latest entry is the one it knows."""

    def __init__(self, *, priority_count: int) -> None:
        self.lists: list[list[list[BlockId]]] = [[[] for _ in range(priority_count)] for _ in Level]
        self.iterators: dict[BlockId, list[BlockId]] = {}
        self.counts = [0 for _ in Level]

    def put(
        self,
        block: BlockId,
        level: Level,
        priority: Priority,
        *,
        end: End = End.BACK,
        ticket: Ticket | None = None,
    ) -> None:
        """A new entry, whatever entries there are."""
        owner = self.lists[level][priority]
        owner.insert(0 if end is End.FRONT else len(owner), block)
        self.iterators[block] = owner
        self.counts[level] += 1

    def claim(self, block: BlockId, level: Level, priority: Priority) -> Ticket:
        """The latest entry leaves the list that owns it, and the level that was named counts it."""
        owner = self.iterators.pop(block, None)
        if owner is not None:
            owner.remove(block)
            self.counts[level] -= 1
        return Ticket(0)

    def front(self, level: Level) -> BlockId | None:
        """The oldest entry of the lowest priority that has any."""
        return next((queue[0] for queue in self.lists[level] if queue), None)

    def holds(self, block: BlockId) -> bool:
        """Whether the block knows of an entry."""
        return block in self.iterators

    def order(self) -> Order:
        """All queues, repeats included."""
        return tuple([tuple(map(tuple, queues)) for queues in self.lists])


class UncheckedPool(BlockPool):
    """The right bookkeeping over queues that trust it."""

    def make_queues(self, settings: PoolSettings) -> FreeQueues:
        return UncheckedQueues(priority_count=settings.priority_count)
