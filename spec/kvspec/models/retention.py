"""Priorities that last for a time: who is evicted first, and when a priority runs out.

It decides queues by level and priority and the set of blocks that await expiry; copies and
references are other machines' concern. The idea: a request asks for a priority *and* for how long;
moving a block to host memory must carry both, or a short-lived favour becomes a permanent one.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from kvspec.lang import (
    Constant,
    Ghost,
    Machine,
    Map,
    Model,
    Range,
    Set,
    Sort,
    Strength,
    UniqueFifo,
    action,
    goal,
    init,
    invariant,
    lemma,
    require,
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
    "How long a block is worth keeping; lower goes first, and LOW is not worth a copy to host."

    LOW = 0
    DEFAULT = 1
    HIGH = 2


BlockCount = Annotated[int, Range(0, Block)]


class RetentionPool(Machine):
    """A block keeps its priority, and for as long as was asked, wherever it is moved.

    Time is abstract: any block that awaits expiry may expire next. `asked_for_a_time` is a ghost:
    what the last request that stated its wishes for the block asked for.

    Atomicity: one scheduler thread; the pool lock covers each call.

    | action           | linearisation point in the code                      | made atomic by |
    | allocate         | claimBlock with the caller's priority and duration   | pool lock      |
    | offload_allocate | the swap inside getFreeBlock's offload branch        | pool lock      |
    | reuse            | claimBlock of a match, with nothing asked            | pool lock      |
    | release          | releaseBlock, which also schedules the expiry        | pool lock      |
    | expire           | one expired entry in refresh                         | pool lock      |
    """

    home: Constant[Block, Slot]
    tier: Constant[Slot, Level]
    slot: Map[Block, Slot]
    held: Map[Block, bool]
    priority: Map[Block, Priority]
    timed: Map[Block, bool]
    expiring: Set[Block]
    free: Map[Level, Map[Priority, UniqueFifo[Block]]]
    nfree: Map[Level, BlockCount]
    asked_for_a_time: Ghost[Map[Block, bool]]

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
        "Every block is at home, in the default queue of its level, for no stated time."
        for b in Block:
            self.slot[b] = self.home[b]
            self.priority[b] = Priority.DEFAULT
        for level in Level:
            self.free[level][Priority.DEFAULT].fill(
                b for b in Block if self.tier[self.home[b]] == level
            )
            self.nfree[level] = len(self.free[level][Priority.DEFAULT])

    # ---- vocabulary

    def level_of(self, b: Block) -> Level:
        return self.tier[self.slot[b]]

    def is_queued(self, b: Block) -> bool:
        return any(b in self.free[level][p] for level in Level for p in Priority)

    def some_free(self, level: Level) -> bool:
        return any(len(self.free[level][p]) > 0 for p in Priority)

    def cheapest(self, level: Level) -> Priority:
        return next(p for p in Priority if len(self.free[level][p]) > 0)

    # ---- building blocks

    def claim(self, b: Block) -> None:
        level = self.level_of(b)
        self.free[level][self.priority[b]].remove(b)
        self.nfree[level] -= 1
        self.expiring.discard(b)

    def ask(self, b: Block, priority: Priority, timed: bool) -> None:
        self.priority[b] = priority
        self.timed[b] = timed
        self.asked_for_a_time[b] = timed

    def put_back(self, b: Block) -> None:
        level = self.level_of(b)
        self.free[level][self.priority[b]].push(b)
        self.nfree[level] += 1
        if self.timed[b] and self.priority[b] != Priority.DEFAULT:
            self.expiring.add(b)

    def swap(self, a: Block, b: Block) -> None:
        slot_of_a = self.slot[a]
        self.slot[a] = self.slot[b]
        self.slot[b] = slot_of_a

    # ---- actions

    @action
    def allocate(self, priority: Priority, timed: bool) -> None:
        "A request takes the oldest primary block of the lowest priority, and says how to keep it."
        require("a primary block is free", self.some_free(Level.PRIMARY))
        b = self.free[Level.PRIMARY][self.cheapest(Level.PRIMARY)].front
        self.claim(b)
        self.ask(b, priority, timed)
        self.held[b] = True

    @action
    def offload_allocate(self, priority: Priority, timed: bool) -> None:
        "The block to evict is worth keeping: it moves to secondary with its priority and expiry."
        require("a primary block is free", self.some_free(Level.PRIMARY))
        require("a secondary block is free", self.some_free(Level.SECONDARY))
        require("it is worth a copy", self.cheapest(Level.PRIMARY) != Priority.LOW)
        victim = self.free[Level.PRIMARY][self.cheapest(Level.PRIMARY)].front
        spare = self.free[Level.SECONDARY][self.cheapest(Level.SECONDARY)].front
        self.claim(victim)
        self.claim(spare)
        self.swap(victim, spare)
        self.put_back(victim)
        self.ask(spare, priority, timed)
        self.held[spare] = True

    @action
    def reuse(self, b: Block) -> None:
        "A request hits a free primary block and asks for nothing: what was asked before stands."
        require("it is free", self.is_queued(b))
        require("it is in device memory", self.level_of(b) == Level.PRIMARY)
        self.claim(b)
        self.held[b] = True

    @action
    def release(self, b: Block) -> None:
        "A request lets go of a block, and the time that was asked for it begins."
        require("it is held", self.held[b])
        self.held[b] = False
        self.put_back(b)

    @action
    def expire(self, b: Block) -> None:
        "A block's time is over: it becomes the youngest of the default priority."
        require("it awaits expiry", b in self.expiring)
        level = self.level_of(b)
        self.free[level][self.priority[b]].remove(b)
        self.free[level][Priority.DEFAULT].push(b)
        self.priority[b] = Priority.DEFAULT
        self.timed[b] = False
        self.expiring.discard(b)
        self.asked_for_a_time[b] = False

    # ---- what must always hold

    @invariant(
        id="KV-INV-02",
        why="TensorRT-LLM verifyQueueIntegrity and #12834: looked for in the wrong queue",
        strength=Strength.EVERY_SIZE,
    )
    def queued_where_it_belongs(self) -> bool:
        "Every queued block sits in the queue of its current level and priority."
        return all(
            b not in self.free[level][p] or (self.level_of(b) == level and self.priority[b] == p)
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
        id="KV-INV-11",
        why="TensorRT-LLM #13029: claimed blocks that nobody released were lost",
        strength=Strength.EVERY_SIZE,
    )
    def queued_iff_not_held(self) -> bool:
        "A block is queued exactly when no request holds it."
        return all(self.is_queued(b) == (not self.held[b]) for b in Block)

    @invariant(
        id="KV-INV-53",
        why="S1.6: claimBlock without a duration erases the expiry, so an offloaded block keeps a"
        " timed priority for ever",
        strength=Strength.EVERY_SIZE,
    )
    def favours_end(self) -> bool:
        "A queued block whose special priority was asked for a time awaits its expiry."
        return all(
            not self.asked_for_a_time[b]
            or self.held[b]
            or self.priority[b] == Priority.DEFAULT
            or b in self.expiring
            for b in Block
        )

    @invariant(
        id="KV-INV-54",
        why="TensorRT-LLM refresh demotes blocks in use; #12297 does so only to queued ones",
        strength=Strength.EVERY_SIZE,
    )
    def only_free_blocks_expire(self) -> bool:
        "Only a queued block of a special priority awaits expiry."
        return all(
            b not in self.expiring or (not self.held[b] and self.priority[b] != Priority.DEFAULT)
            for b in Block
        )

    @invariant(
        id="KV-INV-55",
        why="TensorRT-LLM offloads only from the secondary-offload minimum priority upwards",
        strength=Strength.EVERY_SIZE,
    )
    def host_memory_is_for_the_worthy(self) -> bool:
        "No block in host memory has a priority that is not worth a copy."
        return all(
            self.level_of(b) == Level.PRIMARY or self.priority[b] != Priority.LOW for b in Block
        )

    @invariant(
        id="KV-INV-12",
        why="TensorRT-LLM setOffsets drops the level bit: a secondary block names a wrong slot",
        strength=Strength.EVERY_SIZE,
    )
    def held_in_primary(self) -> bool:
        "A held block is in device memory."
        return all(not self.held[b] or self.level_of(b) == Level.PRIMARY for b in Block)

    @lemma
    def ghost_agrees(self) -> bool:
        "A block has an expiry exactly when one was asked for."
        return all(self.timed[b] == self.asked_for_a_time[b] for b in Block)

    # ---- what must be possible

    @goal
    def a_favour_moves_down(self) -> bool:
        "A block of high priority sits in host memory and awaits its expiry."
        return any(b in self.expiring and self.level_of(b) == Level.SECONDARY for b in Block)

    @goal
    def a_block_for_ever(self) -> bool:
        "A block of high priority sits in host memory and was asked for without end."
        return any(
            not self.timed[b]
            and self.priority[b] == Priority.HIGH
            and self.level_of(b) == Level.SECONDARY
            for b in Block
        )
