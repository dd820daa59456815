"""One allocation that offloads, cut at every line where another thread may look.

It decides the order of the steps inside getFreeBlock and what is true between them; which block
is worth keeping is `retention`'s concern, and how copies are ordered is `copies`'s. The idea: a
counter that is right at both ends of a call may be wrong in the middle, so each line is a step.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from kvspec.lang import (
    Capacity,
    Constant,
    Fifo,
    Ghost,
    Machine,
    Map,
    Model,
    Range,
    Record,
    Set,
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


class Level(Enum):
    "Primary is device memory, secondary is pinned host memory."

    PRIMARY = 0
    SECONDARY = 1


class Stage(Enum):
    "How far the allocation under way has come."

    IDLE = 0
    PEEKED = 1
    SPARE_CLAIMED = 2
    BOTH_CLAIMED = 3
    COPYING = 4
    SWAPPED = 5
    RELEASED = 6


class Pair(Record):
    "The two blocks of one offload: the one that moves down and the one that takes its slot."

    victim: Block
    spare: Block


class Copy(Record):
    "An asynchronous copy of one slot's bytes into another slot."

    src: Slot
    dst: Slot


BlockCount = Annotated[int, Range(0, Block)]
One = Capacity(1)


class OffloadSteps(Machine):
    """Between any two lines of an offloading allocation the counters and queues are right.

    Atomicity: one scheduler thread takes the steps in order; a statistics reader, and the fork's
    pin service, may look between any two of them.

    | action         | linearisation point in the code                      | made atomic by    |
    | peek           | getFreeBlock of both levels                          | scheduler thread  |
    | claim_spare    | claimBlock of the secondary block                    | one policy call   |
    | claim_victim   | claimBlock of the primary block                      | one policy call   |
    | transfer       | offload enqueues the copy                            | offload stream    |
    | swap           | swapMemoryPoolBlockOffset                            | scheduler thread  |
    | release_victim | releaseBlock of the victim, by then secondary        | one policy call   |
    | hand_out       | claimBlock of the spare, by then a no-op on queues   | one policy call   |
    | allocate       | getFreeBlock without offload                         | one policy call   |
    | release        | releaseBlock of a block in use                       | one policy call   |
    """

    home: Constant[Block, Slot]
    tier: Constant[Slot, Level]
    slot: Map[Block, Slot]
    held: Map[Block, bool]
    free: Map[Level, UniqueFifo[Block]]
    nfree: Map[Level, BlockCount]
    stage: Stage
    pair: Annotated[Fifo[Pair], One]
    copy: Annotated[Fifo[Copy], One]
    capacity: Map[Level, BlockCount]
    taken: Ghost[Map[Level, Set[Block]]]

    @classmethod
    def instance(cls, *, P: int = 2, S: int = 2) -> Model:
        """P device and S host slots, and as many blocks."""
        return cls.trace(
            sizes={"Block": P + S, "Slot": P + S},
            constants={
                "home": range(P + S),
                "tier": [Level.PRIMARY] * P + [Level.SECONDARY] * S,
            },
        )

    @assume
    def homes_distinct(self) -> bool:
        "Every block starts in a slot of its own."
        return all(self.home[a] != self.home[b] for a in Block for b in Block if a != b)

    @init
    def all_free(self) -> None:
        "Every block is at home and free, and each level knows how many blocks it has."
        for b in Block:
            self.slot[b] = self.home[b]
        for level in Level:
            self.free[level].fill(b for b in Block if self.tier[self.home[b]] == level)
            self.nfree[level] = len(self.free[level])
            self.capacity[level] = len(self.free[level])

    # ---- vocabulary

    def level_of(self, b: Block) -> Level:
        return self.tier[self.slot[b]]

    def is_queued(self, b: Block) -> bool:
        return any(b in self.free[level] for level in Level)

    def is_swapped(self) -> bool:
        return self.stage == Stage.SWAPPED or self.stage == Stage.RELEASED

    def is_under_way(self, b: Block) -> bool:
        return any(b == p.victim or b == p.spare for p in self.pair)

    # ---- building blocks

    def claim(self, b: Block) -> None:
        level = self.level_of(b)
        if self.is_queued(b):
            self.free[level].remove(b)
            self.nfree[level] -= 1
            self.taken[level].add(b)

    def put_back(self, b: Block) -> None:
        level = self.level_of(b)
        self.free[level].push(b)
        self.nfree[level] += 1
        self.taken[level].discard(b)

    def exchange(self, a: Block, b: Block) -> None:
        slot_of_a = self.slot[a]
        self.taken[self.level_of(a)].discard(a)
        self.taken[self.level_of(b)].discard(b)
        self.slot[a] = self.slot[b]
        self.slot[b] = slot_of_a
        self.taken[self.level_of(a)].add(a)
        self.taken[self.level_of(b)].add(b)

    # ---- the offloading allocation, step by step

    @action
    def peek(self) -> None:
        "The oldest free block of each level is chosen, and stays in its queue."
        require("no allocation is under way", self.stage == Stage.IDLE)
        require("a primary block is free", len(self.free[Level.PRIMARY]) > 0)
        require("a secondary block is free", len(self.free[Level.SECONDARY]) > 0)
        victim = self.free[Level.PRIMARY].front
        spare = self.free[Level.SECONDARY].front
        self.pair.push(Pair(victim=victim, spare=spare))
        self.stage = Stage.PEEKED

    @action
    def claim_spare(self) -> None:
        "The secondary block leaves its queue."
        require("the blocks are chosen", self.stage == Stage.PEEKED)
        self.claim(self.pair.front.spare)
        self.stage = Stage.SPARE_CLAIMED

    @action
    def claim_victim(self) -> None:
        "The primary block leaves its queue, while it still is primary."
        require("the spare is claimed", self.stage == Stage.SPARE_CLAIMED)
        self.claim(self.pair.front.victim)
        self.stage = Stage.BOTH_CLAIMED

    @action
    def transfer(self) -> None:
        "The victim's bytes are sent to the spare's slot."
        require("both blocks are claimed", self.stage == Stage.BOTH_CLAIMED)
        p = self.pair.front
        self.copy.push(Copy(src=self.slot[p.victim], dst=self.slot[p.spare]))
        self.stage = Stage.COPYING

    @action
    def swap(self) -> None:
        "The blocks exchange their slots: the victim now names where its bytes will be."
        require("the copy is sent", self.stage == Stage.COPYING)
        p = self.pair.front
        self.exchange(p.victim, p.spare)
        self.stage = Stage.SWAPPED

    @action
    def release_victim(self) -> None:
        "The victim enters the queue of the level that it has now."
        require("the slots are exchanged", self.stage == Stage.SWAPPED)
        self.put_back(self.pair.front.victim)
        self.stage = Stage.RELEASED

    @action
    def hand_out(self) -> None:
        "The spare, in device memory now, is claimed again without effect and given to a request."
        require("the victim is released", self.stage == Stage.RELEASED)
        spare = self.pair.front.spare
        self.claim(spare)
        self.held[spare] = True
        self.pair.pop()
        self.copy.pop()
        self.stage = Stage.IDLE

    # ---- what else happens

    @action
    def allocate(self) -> None:
        "The oldest free primary block is not worth keeping: it is handed out as it is."
        require("no allocation is under way", self.stage == Stage.IDLE)
        require("a primary block is free", len(self.free[Level.PRIMARY]) > 0)
        b = self.free[Level.PRIMARY].front
        self.claim(b)
        self.held[b] = True

    @action
    def release(self, b: Block) -> None:
        "A request lets go of a block, perhaps in the middle of another one's allocation."
        require("it is held", self.held[b])
        self.held[b] = False
        self.put_back(b)

    # ---- what must hold between any two steps

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
        id="KV-INV-04",
        why="TensorRT-LLM #11879: counters drifted until the used count was -2",
        strength=Strength.EVERY_SIZE,
    )
    def counters_count(self) -> bool:
        "The free counter of each level equals the length of its queue, after every step."
        return all(self.nfree[level] == len(self.free[level]) for level in Level)

    @invariant(
        id="KV-INV-05",
        why="TensorRT-LLM #11922 clamps, and the check compares with primary plus secondary",
        strength=Strength.EVERY_SIZE,
    )
    def used_count_is_not_negative(self) -> bool:
        "No level counts more free blocks than it has blocks."
        return all(self.nfree[level] <= self.capacity[level] for level in Level)

    @invariant(
        id="KV-INV-06",
        why="TensorRT-LLM usedNumBlocks: what is neither free nor taken is lost",
        strength=Strength.EVERY_SIZE,
    )
    def free_and_taken_add_up(self) -> bool:
        "The blocks in a level's queue and those taken from it add up to the level's blocks."
        return all(
            len(self.free[level]) + len(self.taken[level]) == self.capacity[level]
            for level in Level
        )

    @invariant(
        id="KV-INV-09",
        why="TensorRT-LLM swapMemoryPoolBlockOffset is safe only for blocks that nobody can reach",
        strength=Strength.EVERY_SIZE,
    )
    def nobody_reaches_the_swapped(self) -> bool:
        "While their slots are exchanged, neither block is in a queue or held."
        return all(
            not (
                self.stage == Stage.BOTH_CLAIMED
                or self.stage == Stage.COPYING
                or self.stage == Stage.SWAPPED
            )
            or not (self.is_queued(b) or self.held[b])
            for p in self.pair
            for b in Block
            if b == p.victim or b == p.spare
        )

    @invariant(
        id="KV-INV-11",
        why="TensorRT-LLM #12892 and #13029: claimed blocks that nobody released were lost",
        strength=Strength.EVERY_SIZE,
    )
    def nothing_is_lost(self) -> bool:
        "A block is queued, held, or part of the allocation under way."
        return all(self.is_queued(b) or self.held[b] or self.is_under_way(b) for b in Block)

    @invariant(
        id="KV-INV-56",
        why="TensorRT-LLM offload takes physical slots, so it must be called before the swap",
        strength=Strength.EVERY_SIZE,
    )
    def bytes_follow_their_block(self) -> bool:
        "Once the slots are exchanged, the copy ends where the victim is and began where it was."
        return all(
            self.slot[p.victim] == c.dst and self.slot[p.spare] == c.src
            for p in self.pair
            for c in self.copy
            if self.stage == Stage.SWAPPED
        )

    @lemma
    def slots_distinct(self) -> bool:
        "No two blocks have one slot."
        return all(self.slot[a] != self.slot[b] for a in Block for b in Block if a != b)

    @lemma
    def stage_is_honest(self) -> bool:
        "Blocks are chosen exactly while an allocation is under way, and a copy once it is sent."
        return (len(self.pair) == 1) == (self.stage != Stage.IDLE) and (len(self.copy) == 1) == (
            self.stage == Stage.COPYING
            or self.stage == Stage.SWAPPED
            or self.stage == Stage.RELEASED
        )

    @lemma
    def chosen_at_their_levels(self) -> bool:
        "The victim is in primary and the spare in secondary, and the other way round once swapped."
        return all(
            self.level_of(p.victim) == (Level.SECONDARY if self.is_swapped() else Level.PRIMARY)
            and self.level_of(p.spare) == (Level.PRIMARY if self.is_swapped() else Level.SECONDARY)
            for p in self.pair
        )

    @lemma
    def chosen_are_queued(self) -> bool:
        "A chosen block is queued until it is claimed, and the victim again once it is released."
        return all(
            (self.is_queued(p.spare) or self.stage != Stage.PEEKED)
            and (
                self.is_queued(p.victim)
                or not (
                    self.stage == Stage.PEEKED
                    or self.stage == Stage.SPARE_CLAIMED
                    or self.stage == Stage.RELEASED
                )
            )
            for p in self.pair
        )

    @lemma
    def spare_is_kept_back(self) -> bool:
        "Alone or when the victim is released, the claimed spare is in no queue and not held."
        return all(
            not self.is_queued(p.spare) and not self.held[p.spare]
            for p in self.pair
            if self.stage == Stage.SPARE_CLAIMED or self.stage == Stage.RELEASED
        )

    @lemma
    def copy_is_the_pair_s(self) -> bool:
        "The copy under way joins the slots of the two blocks."
        return all(
            self.slot[p.victim] == c.src and self.slot[p.spare] == c.dst
            for p in self.pair
            for c in self.copy
            if self.stage == Stage.COPYING
        )

    @lemma
    def taken_is_not_free(self) -> bool:
        "The blocks taken from a level are those of its slots that are in no queue."
        return all(
            (b in self.taken[level]) == (self.level_of(b) == level and not self.is_queued(b))
            for b in Block
            for level in Level
        )

    @lemma
    def held_is_not_queued(self) -> bool:
        "A held block is in no queue."
        return all(not (self.held[b] and self.is_queued(b)) for b in Block)

    # ---- what must be possible

    @goal
    def interrupted(self) -> bool:
        "A block is free while another one's slots are being exchanged."
        return self.stage == Stage.SWAPPED and len(self.free[Level.PRIMARY]) > 0
