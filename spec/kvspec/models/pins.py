"""Pins: a reader outside the scheduler holds a block by its id, and later lets go.

It decides what pin and unpin owe the pool; who may call them from which thread is a later
machine's concern. The idea: a pin is a reference that no request has, so a pin of a queued block
must take it off its queue, and the unpin must undo exactly that.
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


class Level(Enum):
    "Primary is device memory, secondary is pinned host memory."

    PRIMARY = 0
    SECONDARY = 1


REFS = Size("REFS")
PINS = Size("PINS")

RefCount = Annotated[int, Range(0, REFS)]
PinCount = Annotated[int, Range(0, PINS)]


class PinnedPool(Machine):
    """A pin keeps a block where it is, and a pin and its unpin leave no trace.

    `read_at` is a ghost: the slot whose address the reader was told.

    Atomicity: requests run on the scheduler thread, pins on a remote reader's reply thread.

    | action   | linearisation point in the code                   | made atomic by            |
    | allocate | claimFreeBlock in getFreeBlock                    | pool lock                 |
    | offload  | the swap inside getFreeBlock's offload branch     | pool lock over the branch |
    | onboard  | the swap inside onboardBlock, after a second look | pool lock, after the copy |
    | release  | decRef and releaseBlock in releaseBlocks          | pool lock                 |
    | pin      | pinBlocksById: look, claim, count, read address   | pool lock over all four   |
    | unpin    | unpinBlocksById: count, release                   | pool lock over both       |
    """

    home: Constant[Block, Slot]
    tier: Constant[Slot, Level]
    slot: Map[Block, Slot]
    held: Map[Block, bool]
    refs: Map[Block, RefCount]
    pins: Map[Block, PinCount]
    free: Map[Level, UniqueFifo[Block]]
    read_at: Ghost[Map[Block, Slot]]

    @classmethod
    def instance(cls, *, P: int = 2, S: int = 1, REFS: int = 2, PINS: int = 2) -> Model:
        """P device and S host slots; references and pins a block can count."""
        return cls.trace(
            sizes={"Block": P + S, "Slot": P + S, "REFS": REFS, "PINS": PINS},
            constants={
                "home": range(P + S),
                "tier": [Level.PRIMARY] * P + [Level.SECONDARY] * S,
            },
        )

    @assume
    def a_reference_fits(self) -> bool:
        "The reference counter can count to one."
        return REFS >= 1

    @init
    def all_free(self) -> None:
        "Every block is at home, free and read by nobody."
        for b in Block:
            self.slot[b] = self.home[b]
            self.read_at[b] = self.home[b]
        for level in Level:
            self.free[level].fill(b for b in Block if self.tier[self.home[b]] == level)

    # ---- vocabulary

    def level_of(self, b: Block) -> Level:
        return self.tier[self.slot[b]]

    # ---- building blocks

    def claim(self, b: Block) -> None:
        self.free[self.level_of(b)].remove(b)

    def release_if_unreferenced(self, b: Block) -> None:
        if self.refs[b] == 0:
            self.free[self.level_of(b)].push(b)

    def hold(self, b: Block) -> None:
        self.held[b] = True
        self.refs[b] += 1

    def swap(self, a: Block, b: Block) -> None:
        slot_of_a = self.slot[a]
        self.slot[a] = self.slot[b]
        self.slot[b] = slot_of_a

    # ---- the scheduler

    @action
    def allocate(self) -> None:
        "A request takes the oldest free primary block."
        require("a primary block is free", len(self.free[Level.PRIMARY]) > 0)
        b = self.free[Level.PRIMARY].front
        self.claim(b)
        self.hold(b)

    @action
    def offload(self) -> None:
        "The oldest free primary block moves to secondary, and a request takes its slot."
        require("a primary block is free", len(self.free[Level.PRIMARY]) > 0)
        require("a secondary block is free", len(self.free[Level.SECONDARY]) > 0)
        victim = self.free[Level.PRIMARY].front
        spare = self.free[Level.SECONDARY].front
        self.claim(victim)
        self.claim(spare)
        self.swap(victim, spare)
        self.release_if_unreferenced(victim)
        self.hold(spare)

    @action
    def onboard(self, b: Block) -> None:
        "A secondary block that nobody reads moves to the oldest free primary slot, for a request."
        require("it is in host memory", self.level_of(b) == Level.SECONDARY)
        require("nobody reads it", self.pins[b] == 0)
        require("a primary block is free", len(self.free[Level.PRIMARY]) > 0)
        room = self.free[Level.PRIMARY].front
        if b in self.free[Level.SECONDARY]:
            self.claim(b)
        self.claim(room)
        self.swap(b, room)
        self.release_if_unreferenced(room)
        self.hold(b)

    @action
    def release(self, b: Block) -> None:
        "A request lets go of a block."
        require("a request holds it", self.held[b])
        self.held[b] = False
        self.refs[b] -= 1
        self.release_if_unreferenced(b)

    # ---- the reader

    @action
    def pin(self, b: Block) -> None:
        "The reader holds a block, free or in use, and is told where it is."
        require("the pin fits its counter", self.pins[b] < PINS)
        require("the reference fits its counter", self.refs[b] < REFS)
        if self.refs[b] == 0:
            self.claim(b)
        self.refs[b] += 1
        self.pins[b] += 1
        self.read_at[b] = self.slot[b]

    @action
    def unpin(self, b: Block) -> None:
        "The reader is done with a block."
        require("it is pinned", self.pins[b] > 0)
        self.pins[b] -= 1
        self.refs[b] -= 1
        if self.pins[b] == 0:
            self.read_at[b] = self.home[b]
        self.release_if_unreferenced(b)

    # ---- what must always hold

    @invariant(
        id="KV-INV-03",
        why="S1.5: a block pinned in its queue was handed out while it was read",
        strength=Strength.EVERY_SIZE,
    )
    def queued_is_unreferenced(self) -> bool:
        "No queued block has a reference, and so neither holder nor pin."
        return all(b not in self.free[level] or self.refs[b] == 0 for b in Block for level in Level)

    @invariant(
        id="KV-INV-10",
        why="TensorRT-LLM decRefCount; the reference count decides when a block is released",
        strength=Strength.EVERY_SIZE,
    )
    def references_counted(self) -> bool:
        "The reference count of a block is its pins, and one more if a request holds it."
        return all(
            self.refs[b] == (self.pins[b] + 1 if self.held[b] else self.pins[b]) for b in Block
        )

    @invariant(
        id="KV-INV-14",
        why="S1.5 and TensorRT-LLM #11879: an unmatched release left a second entry and a drift",
        strength=Strength.EVERY_SIZE,
    )
    def unpinned_as_if_never_pinned(self) -> bool:
        "A block without pins is queued exactly when no request holds it, whatever pins it had."
        return all(
            self.pins[b] > 0 or (b in self.free[self.level_of(b)]) == (not self.held[b])
            for b in Block
        )

    @invariant(
        id="KV-INV-15",
        why="S3.5, S1.5: the reader copies from the address it was told when it pinned",
        strength=Strength.EVERY_SIZE,
    )
    def pinned_slots_stay_put(self) -> bool:
        "A pinned block is in the slot that its reader was told."
        return all(self.pins[b] == 0 or self.slot[b] == self.read_at[b] for b in Block)

    @lemma
    def queued_at_its_level(self) -> bool:
        "Every queued block sits in the queue of the level of its slot."
        return all(
            b not in self.free[level] or self.level_of(b) == level for b in Block for level in Level
        )

    @lemma
    def held_in_primary(self) -> bool:
        "A held block is in device memory."
        return all(not self.held[b] or self.level_of(b) == Level.PRIMARY for b in Block)

    # ---- what must be possible

    @goal
    def pinned_while_held(self) -> bool:
        "A block is held by a request and pinned at once."
        return any(self.held[b] and self.pins[b] > 0 for b in Block)

    @goal
    def pinned_twice_in_host_memory(self) -> bool:
        "A block in host memory has two readers."
        return any(self.pins[b] == 2 and self.level_of(b) == Level.SECONDARY for b in Block)
