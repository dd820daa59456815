"""Remote readers and the scheduler on threads of their own, with copies in flight between them.

It decides in which atomic steps each thread works and what the pool's lock covers; what pin and
unpin owe the pool is the machine `pins`. The idea: one lock protects blocks, queues and counts
together; a copy is sent without it, so whoever comes back after the copy looks again, under the
lock, whether a reader has come meanwhile, and if so leaves the block where the reader was told.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Annotated

from kvspec.lang import (
    Constant,
    Machine,
    Map,
    Model,
    Range,
    Size,
    Sort,
    Strength,
    UniqueFifo,
    action,
    eventually,
    goal,
    implies,
    init,
    invariant,
    require,
    thread,
)


class Block(Sort):
    "A bookkeeping object with an id; it holds one slot at a time."


class Slot(Sort):
    "A place in memory, of one level for ever."


class Reader(Sort):
    "A thread that answers remote requests for blocks."


class Level(Enum):
    "Primary is device memory, secondary is pinned host memory."

    PRIMARY = 0
    SECONDARY = 1


class Stream(Enum):
    "The copy streams; each carries one copy at a time."

    OFFLOAD = 0
    ONBOARD = 1


class Job(Enum):
    "What the engine wants of the scheduler next."

    NONE = 0
    ALLOCATE = 1
    MATCH = 2
    RELEASE = 3


REFS = Size("REFS")
RefCount = Annotated[int, Range(0, REFS)]
FreeCount = Annotated[int, Range(0, Block)]


class SharedPool(Machine):
    """One lock over blocks, queues and counts; a second look after each copy; one order of steps.

    Atomicity: a step is what one thread does between two places where the lock is free or a copy
    runs. `locked` is the lock, where it is held over more than one step.

    | action                              | linearisation point in the code   | made atomic by |
    | ask, order, fill                    | the engine, the network, a kernel | their threads  |
    | complete                            | the copy's event                  | the stream     |
    | scheduler__start, scheduler__idle   | claimFreeBlock, a match, decRef   | pool lock      |
    | scheduler__claimed                  | the offload of getFreeBlock       | the stream     |
    | scheduler__matched                  | the onboard of onboardBlock       | the stream     |
    | scheduler__sent, scheduler__coming  | the second look and the swap      | lock, kept     |
    | scheduler__swapped, scheduler__came | releaseBlock; the table           | lock, let go   |
    | reader__start, reader__idle         | findAndPin: look, claim, count    | pool lock      |
    | reader__pinned                      | the wait for a pending write      | copy's event   |
    | reader__reads                       | unpinBlocksById                   | pool lock      |
    """

    home: Constant[Block, Slot]
    tier: Constant[Slot, Level]
    slot: Map[Block, Slot]
    refs: Map[Block, RefCount]
    in_table: Map[Block, bool]
    in_hand: Map[Block, bool]
    cached: Map[Block, bool]
    free: Map[Level, UniqueFifo[Block]]
    free_count: Map[Level, FreeCount]
    locked: bool
    job: Job
    job_block: Block
    flying: Map[Stream, bool]
    source: Map[Stream, Slot]
    target: Map[Stream, Slot]
    noted: Map[Slot, bool]
    wants: Map[Reader, bool]
    wanted: Map[Reader, Block]
    has: Map[Reader, bool]
    told: Map[Reader, Slot]
    reads: Map[Reader, bool]

    @classmethod
    def instance(cls, *, P: int = 2, S: int = 1, R: int = 1, REFS: int = 2) -> Model:
        """P device and S host slots, R readers; references a block can count."""
        return cls.trace(
            sizes={"Block": P + S, "Slot": P + S, "Reader": R, "REFS": REFS},
            constants={
                "home": range(P + S),
                "tier": [Level.PRIMARY] * P + [Level.SECONDARY] * S,
            },
        )

    @init
    def all_free(self) -> None:
        "Every block is at home and free; nobody wants anything."
        for b in Block:
            self.slot[b] = self.home[b]
        for level in Level:
            self.free[level].fill(b for b in Block if self.tier[self.home[b]] == level)
            self.free_count[level] = len(self.free[level])

    # ---- vocabulary

    def level_of(self, b: Block) -> Level:
        return self.tier[self.slot[b]]

    def is_queued(self, b: Block) -> bool:
        return b in self.free[self.level_of(b)]

    def is_free_of_copies(self, s: Slot) -> bool:
        return all(
            not self.flying[c] or (self.source[c] != s and self.target[c] != s) for c in Stream
        )

    # ---- building blocks, under the lock

    def claim(self, b: Block) -> None:
        self.free[self.level_of(b)].remove(b)
        self.free_count[self.level_of(b)] -= 1

    def put_back(self, b: Block) -> None:
        if self.refs[b] == 0:
            self.free[self.level_of(b)].push(b)
            self.free_count[self.level_of(b)] += 1

    def take(self, b: Block) -> None:
        self.claim(b)
        self.refs[b] += 1
        self.in_hand[b] = True

    def let_go(self, b: Block) -> None:
        self.in_hand[b] = False
        self.refs[b] -= 1
        self.put_back(b)

    def leave(self, b: Block) -> None:
        self.let_go(b)

    def may_not_go(self, b: Block) -> bool:
        return self.refs[b] > 1

    def may_not_come(self, b: Block) -> bool:
        return self.refs[b] > 1

    def keeps_lock(self) -> bool:
        return True

    def enter(self, b: Block) -> None:
        self.in_hand[b] = False
        self.in_table[b] = True

    def join(self, b: Block) -> None:
        if self.is_queued(b):
            self.claim(b)
        self.refs[b] += 1

    def swap(self, a: Block, b: Block) -> None:
        slot_of_a = self.slot[a]
        self.slot[a] = self.slot[b]
        self.slot[b] = slot_of_a

    def send(self, c: Stream, a: Block, b: Block) -> None:
        self.flying[c] = True
        self.source[c] = self.slot[a]
        self.target[c] = self.slot[b]
        self.noted[self.slot[b]] = True

    # ---- what the engine and the network want, and when a copy is complete

    @action
    def ask(self, j: Job, b: Block) -> None:
        "The engine has a job for the scheduler."
        require("the scheduler has none", self.job == Job.NONE)
        require("it is a job", j != Job.NONE)
        require("a match is of cached content", implies(j == Job.MATCH, self.cached[b]))
        require("what is released is held", implies(j == Job.RELEASE, self.in_table[b]))
        self.job = j
        self.job_block = b

    @action
    def order(self, r: Reader, b: Block) -> None:
        "A remote request for a cached block arrives."
        require("the reader has none", not self.wants[r])
        require("it is cached", self.cached[b])
        self.wants[r] = True
        self.wanted[r] = b

    @action
    def fill(self, b: Block) -> None:
        "A request has computed a block's content, which others find from now on."
        require("it is in the table", self.in_table[b])
        require("the lock is free", not self.locked)
        require("it is not cached yet", not self.cached[b])
        self.cached[b] = True

    @action
    def complete(self, c: Stream) -> None:
        "A copy is complete."
        require("it is in flight", self.flying[c])
        self.flying[c] = False
        self.noted[self.target[c]] = False

    # ---- the scheduler

    @thread
    def scheduler(self) -> Iterator[str]:
        "Allocates with offload, matches with onboard, and releases, one job at a time."
        while True:
            require("there is a job", self.job != Job.NONE)
            require("the lock is free", not self.locked)
            block: Block = self.job_block
            if self.job == Job.ALLOCATE and len(self.free[Level.PRIMARY]) > 0:
                block = self.free[Level.PRIMARY].front
                self.take(block)
                if self.cached[block] and len(self.free[Level.SECONDARY]) > 0:
                    spare: Block = self.free[Level.SECONDARY].front
                    self.take(spare)
                    self.cached[spare] = False
                    yield "claimed"
                    require("the stream has no copy", not self.flying[Stream.OFFLOAD])
                    require("no copy uses the source", self.is_free_of_copies(self.slot[block]))
                    require("no copy uses the target", self.is_free_of_copies(self.slot[spare]))
                    self.send(Stream.OFFLOAD, block, spare)
                    yield "sent"
                    require("the lock is free", not self.locked)
                    if self.may_not_go(block):
                        self.let_go(spare)
                    else:
                        self.locked = self.keeps_lock()
                        self.swap(block, spare)
                        yield "swapped"
                        self.enter(spare)
                        self.locked = False
                    self.let_go(block)
                else:
                    self.cached[block] = False
                    self.enter(block)
            elif self.job == Job.MATCH and self.cached[block] and not self.in_table[block]:
                if self.level_of(block) == Level.PRIMARY:
                    if self.refs[block] < REFS:
                        self.join(block)
                        self.in_table[block] = True
                elif self.refs[block] == 0 and len(self.free[Level.PRIMARY]) > 0:
                    room: Block = self.free[Level.PRIMARY].front
                    self.take(block)
                    self.take(room)
                    self.cached[room] = False
                    yield "matched"
                    require("the stream has no copy", not self.flying[Stream.ONBOARD])
                    require("no copy uses the source", self.is_free_of_copies(self.slot[block]))
                    require("no copy uses the target", self.is_free_of_copies(self.slot[room]))
                    self.send(Stream.ONBOARD, block, room)
                    yield "coming"
                    require("the lock is free", not self.locked)
                    if self.may_not_come(block):
                        self.leave(block)
                    else:
                        self.locked = self.keeps_lock()
                        self.swap(block, room)
                        yield "came"
                        self.enter(block)
                        self.locked = False
                    self.let_go(room)
            elif self.job == Job.RELEASE and self.in_table[block]:
                self.in_table[block] = False
                self.refs[block] -= 1
                self.put_back(block)
            self.job = Job.NONE
            yield "idle"

    # ---- the readers

    @thread
    def reader(self, r: Reader) -> Iterator[str]:
        "Pins the block that was asked for, reads it once it is written, and lets go."
        while True:
            require("a block is wanted", self.wants[r])
            require("the lock is free", not self.locked)
            block: Block = self.wanted[r]
            if self.cached[block] and self.refs[block] < REFS:
                self.join(block)
                self.has[r] = True
                self.told[r] = self.slot[block]
                yield "pinned"
                require("its bytes are there", not self.noted[self.told[r]])
                self.reads[r] = True
                yield "reads"
                require("the lock is free", not self.locked)
                self.reads[r] = False
                self.has[r] = False
                self.refs[block] -= 1
                self.put_back(block)
            self.wants[r] = False
            yield "idle"

    # ---- what must always hold

    @invariant(
        id="KV-INV-03",
        why="S3.6 R1, R2: a pinned block on a queue is handed out as a copy's target",
        strength=Strength.EVERY_SIZE,
    )
    def queued_is_unreferenced(self) -> bool:
        "No queued block has a reference, and so neither holder nor reader."
        return all(b not in self.free[level] or self.refs[b] == 0 for b in Block for level in Level)

    @invariant(
        id="KV-INV-04",
        why="S3.1: a count that two threads change at once loses one of the changes",
        strength=Strength.EVERY_SIZE,
    )
    def counted(self) -> bool:
        "The count of each level is the length of its queue."
        return all(self.free_count[level] == len(self.free[level]) for level in Level)

    @invariant(
        id="KV-INV-10",
        why="S3.4: the reference count decides when a block is released",
        strength=Strength.EVERY_SIZE,
    )
    def references_counted(self) -> bool:
        "The references of a block are its readers, the table, and the scheduler while it moves it."
        return all(
            self.refs[b]
            == sum(1 for r in Reader if self.has[r] and self.wanted[r] == b)
            + (1 if self.in_table[b] else 0)
            + (1 if self.in_hand[b] else 0)
            for b in Block
        )

    @invariant(
        id="KV-INV-11",
        why="S3.4: a block that is in no queue and nobody's is lost for ever",
        strength=Strength.EVERY_SIZE,
    )
    def nothing_is_lost(self) -> bool:
        "While the scheduler has no job, every block without a reference is queued."
        return self.job != Job.NONE or all(self.refs[b] > 0 or self.is_queued(b) for b in Block)

    @invariant(
        id="KV-INV-12",
        why="S3.6 R3: the table would name the wrong slot of device memory",
        strength=Strength.EVERY_SIZE,
    )
    def tables_are_primary(self) -> bool:
        "Every block in a table is in device memory."
        return all(not self.in_table[b] or self.level_of(b) == Level.PRIMARY for b in Block)

    @invariant(
        id="KV-INV-15",
        why="S3.3, S3.5: the reader copies from the address it was told when it pinned",
        strength=Strength.EVERY_SIZE,
    )
    def pinned_slots_stay_put(self) -> bool:
        "A block that a reader has is in the slot that the reader was told."
        return all(not self.has[r] or self.slot[self.wanted[r]] == self.told[r] for r in Reader)

    @invariant(
        id="KV-INV-30",
        why="S3.6 R4: the map of pending writes was read without the lock that it is written under",
        strength=Strength.EVERY_SIZE,
    )
    def nothing_is_read_while_written(self) -> bool:
        "No copy writes the slot that a reader reads."
        return all(
            not self.reads[r] or not self.flying[c] or self.target[c] != self.told[r]
            for r in Reader
            for c in Stream
        )

    @invariant(
        id="KV-INV-26",
        why="S3.6 R4: what is still written is no source, for a copy as little as for a reader",
        strength=Strength.EVERY_SIZE,
    )
    def copies_do_not_cross(self) -> bool:
        "What a copy in flight writes, no other copy in flight reads or writes."
        return all(
            c == d
            or not (self.flying[c] and self.flying[d])
            or (self.target[c] != self.source[d] and self.target[c] != self.target[d])
            for c in Stream
            for d in Stream
        )

    @invariant(
        id="KV-INV-02",
        why="S3.4: a block is claimed from the queue of its level, and fails if it is in another",
        strength=Strength.EVERY_SIZE,
    )
    def queued_at_its_level(self) -> bool:
        "Every queued block sits in the queue of the level of its slot."
        return all(
            b not in self.free[level] or self.level_of(b) == level for b in Block for level in Level
        )

    @invariant(
        id="KV-INV-31",
        why="S3.7: a reader waits for ever where a note stays and no copy will take it away",
        strength=Strength.EVERY_SIZE,
    )
    def notes_end_with_their_copy(self) -> bool:
        "A slot is noted only while a copy in flight writes it."
        return all(
            not self.noted[s] or any(self.flying[c] and self.target[c] == s for c in Stream)
            for s in Slot
        )

    # ---- what must be possible

    @goal
    def read_while_it_is_offloaded(self) -> bool:
        "A reader has a block whose offload is in flight."
        return any(
            self.has[r] and self.flying[Stream.OFFLOAD] and self.told[r] == self.source[c]
            for r in Reader
            for c in Stream
        )

    @goal
    def waits_for_a_write(self) -> bool:
        "A reader has been told a slot that a copy still writes."
        return any(self.has[r] and not self.reads[r] and self.noted[self.told[r]] for r in Reader)

    # ---- what must come, if copies end, threads go on, and the lock is fair to who waits for it

    @eventually(
        id="KV-LIV-01",
        why="S3.7: a pin that is never given back keeps its slot for ever",
        strong=("reader",),
        weak=("scheduler", "complete"),
    )
    def every_pin_comes_back(self, r: Reader) -> bool:
        "What a reader has it gives back."
        require("the reader has a block", self.has[r])
        return not self.has[r]

    @eventually(
        id="KV-LIV-02",
        why="S3.7: a scheduler that waits for a reader for ever stops the engine",
        weak=("scheduler", "complete"),
    )
    def every_job_ends(self) -> bool:
        "A job that the scheduler was given ends."
        require("there is a job", self.job != Job.NONE)
        return self.job == Job.NONE

    @eventually(
        id="KV-LIV-03",
        why="S3.7: whoever waits for a lock that is kept waits for ever, however fair it is",
        weak=("scheduler",),
    )
    def the_lock_comes_free(self) -> bool:
        "A lock that is held is let go of."
        require("the lock is held", self.locked)
        return not self.locked
