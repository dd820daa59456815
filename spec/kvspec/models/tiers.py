"""Two levels of memory under one set of blocks: who owns a block while its bytes move.

It decides ownership (queues, counters, references, pins, slots), not the order in which copies
touch bytes: that is `copies`. The idea: a block's level is read from its slot, and a swap exchanges
slots, so every change of a queue must name the level that holds *at that line*.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from kvspec.lang import (
    Capacity,
    Constant,
    Fifo,
    Machine,
    Map,
    Model,
    Range,
    Record,
    Set,
    Size,
    Sort,
    Strength,
    UniqueFifo,
    action,
    assume,
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


class Request(Sort):
    "A sequence that holds blocks in its table."


class Stream(Sort):
    "A queue of copies that the device works off in order."


class Level(Enum):
    "Primary is device memory, secondary is pinned host memory."

    PRIMARY = 0
    SECONDARY = 1


class Copy(Record):
    "An asynchronous copy of one slot's bytes into another slot."

    src: Slot
    dst: Slot


REFS = Size("REFS")
PINS = Size("PINS")
COPIES = Size("COPIES")

RefCount = Annotated[int, Range(0, REFS)]
PinCount = Annotated[int, Range(0, PINS)]
BlockCount = Annotated[int, Range(0, Block)]


class TieredPool(Machine):
    """Blocks move between device and host memory, and each stays known to the one right queue.

    Atomicity: one scheduler thread takes every action but `pin`, `unpin` and `complete`.

    | action           | linearisation point in the code               | made atomic by       |
    | allocate         | claimFreeBlock in getFreeBlock                | pool lock            |
    | offload_allocate | the swap inside getFreeBlock's offload branch | pool lock over it    |
    | onboard          | the swap inside onboardBlock                  | pool lock over it    |
    | reuse            | claimBlock and incRef of a match              | pool lock            |
    | commit           | attachToLookupNode in storeBlocks             | tree lock            |
    | release          | decRef and releaseBlock in releaseBlocks      | pool lock            |
    | pin, unpin       | pinBlocksById, unpinBlocksById                | pool lock over it    |
    | complete         | the host sees the copy's event                | the stream's order   |
    """

    home: Constant[Block, Slot]
    tier: Constant[Slot, Level]
    slot: Map[Block, Slot]
    holders: Map[Block, Set[Request]]
    refs: Map[Block, RefCount]
    pins: Map[Block, PinCount]
    cached: Map[Block, bool]
    free: Map[Level, UniqueFifo[Block]]
    nfree: Map[Level, BlockCount]
    pending: Map[Stream, Annotated[Fifo[Copy], Capacity(COPIES)]]

    @classmethod
    def instance(
        cls,
        *,
        P: int = 2,
        S: int = 2,
        R: int = 1,
        REFS: int = 2,
        PINS: int = 1,
        K: int = 1,
        T: int = 1,
    ) -> Model:
        """P device and S host slots, R requests, K copies in flight on each of T streams."""
        return cls.trace(
            sizes={
                "Block": P + S,
                "Slot": P + S,
                "Request": R,
                "Stream": T,
                "REFS": REFS,
                "PINS": PINS,
                "COPIES": K,
            },
            constants={
                "home": range(P + S),
                "tier": [Level.PRIMARY] * P + [Level.SECONDARY] * S,
            },
        )

    @assume
    def homes_distinct(self) -> bool:
        "Every block starts in a slot of its own."
        return all(self.home[a] != self.home[b] for a in Block for b in Block if a != b)

    @assume
    def homes_cover(self) -> bool:
        "Every slot is the home of a block."
        return all(any(self.home[b] == s for b in Block) for s in Slot)

    @assume
    def a_reference_fits(self) -> bool:
        "The reference counter can count to one."
        return REFS >= 1

    @init
    def all_free(self) -> None:
        "Every block is at home, empty, and in the queue of its level."
        for b in Block:
            self.slot[b] = self.home[b]
        for level in Level:
            self.free[level].fill(b for b in Block if self.level_of(b) == level)
            self.nfree[level] = len(self.free[level])

    # ---- vocabulary

    def level_of(self, b: Block) -> Level:
        return self.tier[self.slot[b]]

    def in_flight(self, b: Block) -> bool:
        return any(
            c.src == self.slot[b] or c.dst == self.slot[b]
            for st in Stream
            for c in self.pending[st]
        )

    def idle(self, b: Block) -> bool:
        return self.refs[b] == 0 and not self.in_flight(b)

    # ---- building blocks

    def claim(self, b: Block) -> None:
        level = self.level_of(b)
        self.free[level].remove(b)
        self.nfree[level] -= 1

    def release_if_idle(self, b: Block) -> None:
        if self.idle(b):
            level = self.level_of(b)
            self.free[level].push(b)
            self.nfree[level] += 1

    def hold(self, b: Block, r: Request) -> None:
        self.holders[b].add(r)
        self.refs[b] += 1

    def swap(self, a: Block, b: Block) -> None:
        slot_of_a = self.slot[a]
        self.slot[a] = self.slot[b]
        self.slot[b] = slot_of_a

    # ---- actions

    @action
    def allocate(self, r: Request) -> None:
        "The oldest free primary block is taken, and whatever it cached is forgotten."
        require("a primary block is free", len(self.free[Level.PRIMARY]) > 0)
        b = self.free[Level.PRIMARY].front
        self.claim(b)
        self.cached[b] = False
        self.hold(b, r)

    @action
    def offload_allocate(self, r: Request, st: Stream) -> None:
        "The oldest free primary block is cached: its bytes move down and its slot is handed out."
        require("a primary block is free", len(self.free[Level.PRIMARY]) > 0)
        require("a secondary block is free", len(self.free[Level.SECONDARY]) > 0)
        require("the stream takes one more copy", len(self.pending[st]) < COPIES)
        victim = self.free[Level.PRIMARY].front
        spare = self.free[Level.SECONDARY].front
        require("the primary block is worth keeping", self.cached[victim])
        self.claim(victim)
        self.claim(spare)
        self.pending[st].push(Copy(src=self.slot[victim], dst=self.slot[spare]))
        self.swap(victim, spare)
        self.cached[spare] = False
        self.hold(spare, r)

    @action
    def onboard(self, b: Block, r: Request, st: Stream) -> None:
        "A cached block sits free in secondary: its bytes go to the oldest free primary slot."
        require("it is cached", self.cached[b])
        require("it is free in secondary", b in self.free[Level.SECONDARY])
        require("a primary block is free", len(self.free[Level.PRIMARY]) > 0)
        require("the stream takes one more copy", len(self.pending[st]) < COPIES)
        room = self.free[Level.PRIMARY].front
        self.claim(b)
        self.claim(room)
        self.pending[st].push(Copy(src=self.slot[b], dst=self.slot[room]))
        self.swap(b, room)
        self.cached[room] = False
        self.hold(b, r)

    @action
    def reuse(self, b: Block, r: Request) -> None:
        "A request hits a cached primary block and holds it too."
        require("it is cached", self.cached[b])
        require("it is in device memory", self.level_of(b) == Level.PRIMARY)
        require("the request does not hold it yet", r not in self.holders[b])
        require("the reference fits the counter", self.refs[b] < REFS)
        if b in self.free[Level.PRIMARY]:
            self.claim(b)
        self.hold(b, r)

    @action
    def commit(self, b: Block, r: Request) -> None:
        "The one request that holds a block has filled it: it becomes reusable."
        require("the request holds it", r in self.holders[b])
        require("it is not cached yet", not self.cached[b])
        require("no copy uses its slot", not self.in_flight(b))
        assert len(self.holders[b]) == 1, "a block is written by exactly one request"
        self.cached[b] = True

    @action
    def release(self, b: Block, r: Request) -> None:
        "A request lets go of a block."
        require("the request holds it", r in self.holders[b])
        self.holders[b].discard(r)
        self.refs[b] -= 1
        self.release_if_idle(b)

    @action
    def pin(self, b: Block) -> None:
        "A reader outside the scheduler holds a block where it is."
        require("the pin fits its counter", self.pins[b] < PINS)
        require("the reference fits the counter", self.refs[b] < REFS)
        if b in self.free[self.level_of(b)]:
            self.claim(b)
        self.pins[b] += 1
        self.refs[b] += 1

    @action
    def unpin(self, b: Block) -> None:
        "The reader is done with the block."
        require("it is pinned", self.pins[b] > 0)
        self.pins[b] -= 1
        self.refs[b] -= 1
        self.release_if_idle(b)

    @action
    def complete(self, st: Stream) -> None:
        "The oldest copy of a stream is complete, and frees what nobody holds."
        require("a copy is in flight", len(self.pending[st]) > 0)
        c = self.pending[st].pop()
        source = next(b for b in Block if self.slot[b] == c.src)
        target = next(b for b in Block if self.slot[b] == c.dst)
        self.release_if_idle(target)
        self.release_if_idle(source)

    # ---- what must always hold

    @invariant(
        id="KV-INV-02",
        why="TensorRT-LLM #12834: a block claimed after the swap was looked for in the wrong queue",
        strength=Strength.EVERY_SIZE,
    )
    def queued_at_its_level(self) -> bool:
        "Every queued block sits in the queue of the level of its slot."
        return all(
            b not in self.free[level] or self.level_of(b) == level for b in Block for level in Level
        )

    @invariant(
        id="KV-INV-03",
        why="TensorRT-LLM verifyQueueIntegrity; a queued block is handed out to whoever comes next",
        strength=Strength.EVERY_SIZE,
    )
    def queued_is_unused(self) -> bool:
        "No queued block is held, pinned or in a copy."
        return all(b not in self.free[level] or self.idle(b) for b in Block for level in Level)

    @invariant(
        id="KV-INV-04",
        why="TensorRT-LLM #11879: counters drifted until the used count was -2",
        strength=Strength.EVERY_SIZE,
    )
    def counters_count(self) -> bool:
        "The free counter of each level equals the length of its queue."
        return all(self.nfree[level] == len(self.free[level]) for level in Level)

    @invariant(
        id="KV-INV-07",
        why="TensorRT-LLM swapMemoryPoolBlockOffset is the only update of a block's location",
        strength=Strength.EVERY_SIZE,
    )
    def slots_distinct(self) -> bool:
        "No two blocks have one slot."
        return all(self.slot[a] != self.slot[b] for a in Block for b in Block if a != b)

    @invariant(
        id="KV-INV-10",
        why="TensorRT-LLM decRefCount; S1.5, a reference count that lost or kept a pin",
        strength=Strength.EVERY_SIZE,
    )
    def references_counted(self) -> bool:
        "The reference count of a block is the number of its holders and pins."
        return all(self.refs[b] == len(self.holders[b]) + self.pins[b] for b in Block)

    @invariant(
        id="KV-INV-11",
        why="TensorRT-LLM #12892 and #13029: claimed blocks that nobody released were lost",
        strength=Strength.EVERY_SIZE,
    )
    def idle_is_queued(self) -> bool:
        "Every block that nobody holds, pins or copies is in the queue of its level."
        return all(not self.idle(b) or b in self.free[self.level_of(b)] for b in Block)

    @invariant(
        id="KV-INV-12",
        why="TensorRT-LLM setOffsets drops the level bit: a secondary block names a wrong slot",
        strength=Strength.EVERY_SIZE,
    )
    def held_in_primary(self) -> bool:
        "Every block in a request's table is in device memory."
        return all(len(self.holders[b]) == 0 or self.level_of(b) == Level.PRIMARY for b in Block)

    @invariant(
        id="KV-INV-20",
        why="TensorRT-LLM copies a partial block that has references; one writer, no second reader",
        strength=Strength.EVERY_SIZE,
    )
    def writer_is_alone(self) -> bool:
        "A block that is not cached yet is held by at most one request."
        return all(self.cached[b] or len(self.holders[b]) <= 1 for b in Block)

    @invariant(
        id="KV-INV-27",
        why="TensorRT-LLM #9056: a slot was written while an offload still read it",
        strength=Strength.EVERY_SIZE,
    )
    def source_is_not_overwritten(self) -> bool:
        "The block that took over a slot which a copy still reads is not filled yet."
        return all(
            not self.cached[b]
            for st in Stream
            for c in self.pending[st]
            for b in Block
            if self.slot[b] == c.src
        )

    @lemma
    def copies_are_wanted(self) -> bool:
        "The block that a copy brings home is cached."
        return all(
            self.cached[b]
            for st in Stream
            for c in self.pending[st]
            for b in Block
            if self.slot[b] == c.dst
        )

    @lemma
    def slots_owned(self) -> bool:
        "Every slot belongs to a block."
        return all(any(self.slot[b] == s for b in Block) for s in Slot)

    @lemma
    def copies_move(self) -> bool:
        "A copy reads one slot and writes another."
        return all(c.src != c.dst for st in Stream for c in self.pending[st])

    # ---- what must be possible

    @goal
    def a_block_moves_down(self) -> bool:
        "A cached block is on its way to secondary."
        return any(self.tier[c.dst] == Level.SECONDARY for st in Stream for c in self.pending[st])

    @goal
    def a_block_comes_back(self) -> bool:
        "A cached block is on its way back to a request."
        return any(self.tier[c.dst] == Level.PRIMARY for st in Stream for c in self.pending[st])

    @goal
    def secondary_is_warm(self) -> bool:
        "Every host slot holds cached bytes."
        return all(self.cached[b] or self.level_of(b) == Level.PRIMARY for b in Block)
