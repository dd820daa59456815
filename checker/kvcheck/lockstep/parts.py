"""The lines inside a step: a block is claimed at the level where it is queued at that line.

It decides about claims, put-backs and evictions between two steps; the step as a whole, and the
order of copies, are judged elsewhere. The idea: the design's state before the step is read through
what the parts told since, which is dropped at the step's end, so that a wrong line is seen even
where the step ends as it should (case S1.1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import kvspec.events as events
from kvcheck.lockstep.tiers import CACHED, FREE, SLOT
from kvspec.events import BlockId, Level, Shape, SlotId
from kvspec.lang.state import State

# Looked up once: in Python 3.11 a member of an enum costs as much as a call.
PRIMARY, SECONDARY = Level.PRIMARY, Level.SECONDARY

QUEUED_HERE = "the block is queued at the level that was told"
LEVEL_OF_SLOT = "the level that was told is the level of its slot"
QUEUED_NOWHERE = "the block is in no queue"
CACHED_YET = "the block caches something"


@dataclass(frozen=True, slots=True)
class WrongPart:
    """A part whose condition `label` is false; `values` are what it was decided by."""

    label: str
    values: tuple[tuple[str, str], ...]


class OpenStep:
    """Queues, slots and contents in the midst of a step: the state before it, and what differs.

    One serves a judge for all its steps: `begin` forgets what differed. `is_open` until the step
    ends; one that the device refused is undone line by line, so the next may go on from there.
    """

    __slots__ = ("_before", "_evicted", "_level_in", "_queued", "_slots", "is_open")

    def __init__(self, shape: Shape, state: State) -> None:
        self.is_open = False
        self._level_in = [shape.level_of(SlotId(slot)) for slot in range(shape.block_count)]
        self._before: Any = state  # Any: each row is of its variable's kind
        self._queued: dict[BlockId, Level | None] = {}
        self._slots: dict[BlockId, SlotId] = {}
        self._evicted: set[BlockId] = set()

    def begin(self, state: State) -> None:
        """Nothing differs from this state."""
        self._before, self.is_open = state, True
        self._queued.clear()
        if self._slots or self._evicted:
            self._slots.clear()
            self._evicted.clear()

    # ---- each takes a line of one type, or says what is wrong with it

    def claim(self, part: events.Claim) -> WrongPart | None:
        """The block leaves the queue of the level that was told."""
        block, level = part.block, part.level
        if self._queue_of(block) is not level:
            return WrongPart(QUEUED_HERE, self._values(block, level))
        self._queued[block] = None
        return None

    def put_back(self, part: events.PutBack) -> WrongPart | None:
        """The block joins the queue of its level."""
        block, level = part.block, part.level
        if self._level_in[self._slot(block)] is not level:
            return WrongPart(LEVEL_OF_SLOT, self._values(block, level))
        if self._queue_of(block) is not None:
            return WrongPart(QUEUED_NOWHERE, self._values(block, level))
        self._queued[block] = level
        return None

    def evict(self, part: events.Evict) -> WrongPart | None:
        """The block caches nothing any more."""
        block = part.block
        if block in self._evicted or not self._before[CACHED][block]:
            return WrongPart(CACHED_YET, ((f"cached[block{block}]", "False"),))
        self._evicted.add(block)
        return None

    def swap(self, part: events.Swap) -> None:
        """Two blocks exchange their slots."""
        first, second = part.first, part.second
        self._slots[first], self._slots[second] = self._slot(second), self._slot(first)

    def nothing(self, _: object) -> None:
        """The line is another's to judge."""

    # ---- building blocks

    def _queue_of(self, block: BlockId) -> Level | None:
        """The level at which the block is queued at this line."""
        if block in self._queued:
            return self._queued[block]
        primary, secondary = self._before[FREE]
        if block in primary:
            return PRIMARY
        return SECONDARY if block in secondary else None

    def _slot(self, block: BlockId) -> SlotId:
        slot: SlotId = self._slots[block] if block in self._slots else self._before[SLOT][block]
        return slot

    def _values(self, block: BlockId, level: Level) -> tuple[tuple[str, str], ...]:
        queue, slot = self._queue_of(block), self._slot(block)
        return (
            ("told", level.name),
            (f"block{block} is queued in", "no queue" if queue is None else queue.name),
            (f"slot[block{block}]", f"slot{slot}, {self._level_in[slot].name}"),
        )


# Any: each function takes the one part type under which it is entered
Take: TypeAlias = Callable[[OpenStep, Any], WrongPart | None]

TAKES: Mapping[type, Take] = {
    events.Claim: OpenStep.claim,
    events.PutBack: OpenStep.put_back,
    events.Evict: OpenStep.evict,
    events.Swap: OpenStep.swap,
    events.SendCopy: OpenStep.nothing,
    events.Ask: OpenStep.nothing,
}
"""How each type of part is taken."""
