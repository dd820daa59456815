"""The lines inside a step: a block is claimed at the level where it is queued at that line.

It decides about claims, put-backs and evictions between two steps; the step as a whole, and the
order of copies, are judged elsewhere. The idea: the design's state before the step is read through
what the parts told since, which is dropped at the step's end, so that a wrong line is seen even
where the step ends as it should (case S1.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import kvspec.events as events
from kvcheck.lockstep.tiers import CACHED, FREE, SLOT
from kvspec.events import BlockId, Level, Part, Shape, SlotId
from kvspec.lang.state import State

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
    """Queues, slots and contents in the midst of a step: the state before it, and what differs."""

    __slots__ = ("_before", "_evicted", "_queued", "_slots", "shape")

    def __init__(self, shape: Shape, state: State) -> None:
        self.shape = shape
        self._before: Any = state  # Any: each row is of its variable's kind
        self._queued: dict[BlockId, Level | None] = {}
        self._slots: dict[BlockId, SlotId] = {}
        self._evicted: set[BlockId] = set()

    def take(self, part: Part) -> WrongPart | None:
        """What is wrong with this line; it is taken if nothing is."""
        match part:
            case events.Claim():
                return self._claim(part.block, part.level)
            case events.PutBack():
                return self._put_back(part.block, part.level)
            case events.Evict():
                return self._evict(part.block)
            case events.Swap(first=first, second=second):
                slots = self._slots
                slots[first], slots[second] = self._slot(second), self._slot(first)
        return None

    @property
    def is_restored(self) -> bool:
        """Whether every claim was undone, as after a copy that the device refused."""
        return None not in self._queued.values()

    def _claim(self, block: BlockId, level: Level) -> WrongPart | None:
        if not self._is_queued(block, level):
            return WrongPart(QUEUED_HERE, self._values(block, level))
        self._queued[block] = None
        return None

    def _put_back(self, block: BlockId, level: Level) -> WrongPart | None:
        if self.shape.level_of(self._slot(block)) is not level:
            return WrongPart(LEVEL_OF_SLOT, self._values(block, level))
        if self._is_queued(block, Level.PRIMARY) or self._is_queued(block, Level.SECONDARY):
            return WrongPart(QUEUED_NOWHERE, self._values(block, level))
        self._queued[block] = level
        return None

    def _evict(self, block: BlockId) -> WrongPart | None:
        if block in self._evicted or not self._before[CACHED][block]:
            return WrongPart(CACHED_YET, ((f"cached[block{block}]", "False"),))
        self._evicted.add(block)
        return None

    def _is_queued(self, block: BlockId, level: Level) -> bool:
        if block in self._queued:
            return self._queued[block] is level
        return block in self._before[FREE][level]

    def _slot(self, block: BlockId) -> SlotId:
        slot: SlotId = self._slots[block] if block in self._slots else self._before[SLOT][block]
        return slot

    def _values(self, block: BlockId, level: Level) -> tuple[tuple[str, str], ...]:
        where = [own.name for own in Level if self._is_queued(block, own)]
        slot = self._slot(block)
        return (
            ("told", level.name),
            (f"block{block} is queued in", " and ".join(where) or "no queue"),
            (f"slot[block{block}]", f"slot{slot}, {self.shape.level_of(slot).name}"),
        )
