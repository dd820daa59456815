"""Free blocks whose special priority ends at a time, soonest first.

It decides who is due; what a due block becomes is the pool's business. The idea: a block that was
claimed leaves its entry in the heap, and the entry is recognised as dead by its serial number.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from kvspec.events import BlockId


class Expiries:
    """Deadlines in seconds of the clock that the manager was given."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, BlockId]] = []
        self._serial_of: dict[BlockId, int] = {}
        self._serial = 0
        self._waiting: frozenset[BlockId] | None = None

    def schedule(self, block: BlockId, deadline: float) -> None:
        """The block is due at `deadline`; an earlier deadline of the same block is forgotten."""
        self._serial += 1
        self._serial_of[block] = self._serial
        self._waiting = None
        heappush(self._heap, (deadline, self._serial, block))
        if len(self._heap) > 2 * len(self._serial_of) + 8:
            self._heap = [e for e in self._heap if self._serial_of.get(e[2]) == e[1]]
            heapify(self._heap)

    def cancel(self, block: BlockId) -> None:
        """The block is not due any more; nothing happens if it was not."""
        if self._serial_of.pop(block, None) is not None:
            self._waiting = None

    def pop_due(self, now: float) -> BlockId | None:
        """The block that was due first, if any is due by `now`; equal deadlines in entry order."""
        while self._heap and self._heap[0][0] <= now:
            _, serial, block = heappop(self._heap)
            if self._serial_of.get(block) == serial:
                del self._serial_of[block]
                self._waiting = None
                return block
        return None

    def waiting(self) -> frozenset[BlockId]:
        """The blocks that await their time; kept until that changes."""
        if self._waiting is None:
            self._waiting = frozenset(self._serial_of)
        return self._waiting
