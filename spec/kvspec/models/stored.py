"""A free queue that remembers where it put each block, and so survives any order of calls.

It decides the other cure for S1 (TensorRT-LLM #12297); it does not move bytes or count
references. The idea: a block's entry stores the level and priority it was queued under, and only
the entry is asked when the block leaves; the block's own level and priority may change at any time.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from kvspec.lang import (
    Constant,
    Machine,
    Map,
    Model,
    Range,
    Sort,
    Strength,
    UniqueFifo,
    action,
    goal,
    init,
    invariant,
)


class Block(Sort):
    "A bookkeeping object with an id; it holds one slot at a time."


class Slot(Sort):
    "A place in memory, of one level for ever."


class Level(Enum):
    "Primary is device memory, secondary is pinned host memory."

    PRIMARY = 0
    SECONDARY = 1


class Priority(Enum):
    "How long a block is worth keeping; lower goes first."

    LOW = 0
    DEFAULT = 1


BlockCount = Annotated[int, Range(0, Block)]


class StoredQueues(Machine):
    """A block leaves the queue it was put on, whatever has become of the block meanwhile.

    Atomicity: one scheduler thread; each call of the eviction policy is one step, in any order.

    | action        | linearisation point in the code       | made atomic by   |
    | release       | releaseBlock stores the coordinates   | scheduler thread |
    | claim         | claimBlock removes by the coordinates | scheduler thread |
    | swap          | swapMemoryPoolBlockOffset             | scheduler thread |
    | reprioritise  | setPriority                           | scheduler thread |
    """

    home: Constant[Block, Slot]
    tier: Constant[Slot, Level]
    slot: Map[Block, Slot]
    priority: Map[Block, Priority]
    free: Map[Level, Map[Priority, UniqueFifo[Block]]]
    nfree: Map[Level, BlockCount]
    queued: Map[Block, bool]
    queued_level: Map[Block, Level]
    queued_priority: Map[Block, Priority]

    @classmethod
    def instance(cls, *, P: int = 2, S: int = 1) -> Model:
        """P device and S host slots, and as many blocks."""
        return cls.trace(
            sizes={"Block": P + S, "Slot": P + S},
            constants={
                "home": range(P + S),
                "tier": [Level.PRIMARY] * P + [Level.SECONDARY] * S,
            },
        )

    @init
    def all_free(self) -> None:
        "Every block is at home, in the default queue of its level."
        for b in Block:
            self.slot[b] = self.home[b]
            self.priority[b] = Priority.DEFAULT
            self.queued[b] = True
            self.queued_level[b] = self.tier[self.home[b]]
            self.queued_priority[b] = Priority.DEFAULT
        for level in Level:
            self.free[level][Priority.DEFAULT].fill(
                b for b in Block if self.tier[self.home[b]] == level
            )
            self.nfree[level] = len(self.free[level][Priority.DEFAULT])

    # ---- actions

    @action
    def claim(self, b: Block) -> None:
        "A block leaves the queue that its entry names; without an entry nothing happens."
        if self.queued[b]:
            level = self.queued_level[b]
            self.free[level][self.queued_priority[b]].remove(b)
            self.nfree[level] -= 1
            self.queued[b] = False

    @action
    def release(self, b: Block) -> None:
        "A block that is in no queue enters the one of its level and priority, and notes which."
        if not self.queued[b]:
            level = self.tier[self.slot[b]]
            self.free[level][self.priority[b]].push(b)
            self.nfree[level] += 1
            self.queued[b] = True
            self.queued_level[b] = level
            self.queued_priority[b] = self.priority[b]

    @action
    def swap(self, a: Block, b: Block) -> None:
        "Two blocks exchange their slots, queued or not."
        slot_of_a = self.slot[a]
        self.slot[a] = self.slot[b]
        self.slot[b] = slot_of_a

    @action
    def reprioritise(self, b: Block, priority: Priority) -> None:
        "A block's priority changes, queued or not."
        self.priority[b] = priority

    # ---- what must always hold

    @invariant(
        id="KV-INV-01",
        why="TensorRT-LLM #12834: an iterator that belonged to another list was erased",
        strength=Strength.EVERY_SIZE,
    )
    def one_queue_each(self) -> bool:
        "A block is in a queue only if its entry names that queue, so in one at most."
        return all(
            b not in self.free[level][p]
            or (self.queued[b] and self.queued_level[b] == level and self.queued_priority[b] == p)
            for b in Block
            for level in Level
            for p in Priority
        )

    @invariant(
        id="KV-INV-04",
        why="TensorRT-LLM #11879: counters drifted until the used count was -2",
        strength=Strength.EVERY_SIZE,
    )
    def counters_count(self) -> bool:
        "The free counter of each level equals the summed length of its queues."
        return all(
            self.nfree[level] == sum(len(self.free[level][p]) for p in Priority) for level in Level
        )

    @invariant(
        id="KV-INV-08",
        why="TensorRT-LLM #12297: erase from the list that the entry was inserted into",
        strength=Strength.EVERY_SIZE,
    )
    def entry_names_its_queue(self) -> bool:
        "The queue that an entry names holds the block."
        return all(
            not self.queued[b] or b in self.free[self.queued_level[b]][self.queued_priority[b]]
            for b in Block
        )

    # ---- what must be possible

    @goal
    def entry_outlives_a_swap(self) -> bool:
        "A queued block has moved to the other level since it was queued."
        return any(
            self.queued[b] and self.queued_level[b] != self.tier[self.slot[b]] for b in Block
        )

    @goal
    def entry_outlives_a_priority(self) -> bool:
        "A queued block has changed its priority since it was queued."
        return any(self.queued[b] and self.queued_priority[b] != self.priority[b] for b in Block)
