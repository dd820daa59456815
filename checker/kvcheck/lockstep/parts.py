"""The lines inside a step: a block is claimed at the level where it is queued at that line.

It decides about claims, put-backs and evictions between two steps; the step as a whole, and the
order of copies, are judged elsewhere. The idea: queues and slots are copied from the design's state
at the first part of a step, changed by the parts as they are told, and dropped at its end, so that
a wrong line is seen even where the step ends as it should (case S1.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import kvspec.events as events
from kvcheck.lockstep.tiers import CACHED, FREE, SLOT
from kvspec.events import BlockId, End, Level, Part, Shape, SlotId
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
    """Queues, slots and contents in the midst of a step."""

    def __init__(self, shape: Shape, state: State) -> None:
        self.shape = shape
        self.free = [list(queue) if isinstance(queue, tuple) else [] for queue in state[FREE]]
        self.slot = list(state[SLOT])
        self.cached = list(state[CACHED])
        self.claimed: set[BlockId] = set()

    def take(self, part: Part) -> WrongPart | None:
        """What is wrong with this line; it is taken if nothing is."""
        match part:
            case events.Claim(block=block, level=level):
                return self._claim(block, level)
            case events.PutBack(block=block, level=level, end=end):
                return self._put_back(block, level, end)
            case events.Evict(block=block):
                if not self.cached[block]:
                    return WrongPart(CACHED_YET, ((f"cached[block{block}]", "False"),))
                self.cached[block] = 0
            case events.Swap(first=first, second=second):
                self.slot[first], self.slot[second] = self.slot[second], self.slot[first]
        return None

    @property
    def is_restored(self) -> bool:
        """Whether every claim was undone, as after a copy that the device refused."""
        return not self.claimed

    def _claim(self, block: BlockId, level: Level) -> WrongPart | None:
        if block not in self.free[level]:
            return WrongPart(QUEUED_HERE, self._values(block, level))
        self.free[level].remove(block)
        self.claimed.add(block)
        return None

    def _put_back(self, block: BlockId, level: Level, end: End) -> WrongPart | None:
        if self._level_of(block) is not level:
            return WrongPart(LEVEL_OF_SLOT, self._values(block, level))
        if any(block in queue for queue in self.free):
            return WrongPart(QUEUED_NOWHERE, self._values(block, level))
        queue = self.free[level]
        queue.insert(0 if end is End.FRONT else len(queue), block)
        self.claimed.discard(block)
        return None

    def _level_of(self, block: BlockId) -> Level:
        slot = self.slot[block]
        assert isinstance(slot, int)
        return self.shape.level_of(SlotId(slot))

    def _values(self, block: BlockId, level: Level) -> tuple[tuple[str, str], ...]:
        where = [own.name for own in Level if block in self.free[own]]
        return (
            ("told", level.name),
            (f"block{block} is queued in", " and ".join(where) or "no queue"),
            (f"slot[block{block}]", f"slot{self.slot[block]}, {self._level_of(block).name}"),
        )
