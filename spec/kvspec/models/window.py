"""A sliding window: blocks that fall out of it are replaced by placeholders without memory.

It decides which kinds of block may ever be free; levels and copies are other machines' concern.
The idea: a table keeps its length, so a hole in it is filled by a block that has no memory behind
it, and the one release path that serves both kinds must let only real blocks into the queue.
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
    Set,
    Sort,
    Strength,
    UniqueFifo,
    action,
    goal,
    init,
    invariant,
    require,
)


class Block(Sort):
    "A bookkeeping object with an id."


class Request(Sort):
    "A sequence with a table of blocks."


class Kind(Enum):
    "What is behind a block: memory, nothing (it fills a hole), or nothing (it is the tree's root)."

    REAL = 0
    PLACEHOLDER = 1
    ROOT = 2


BlockCount = Annotated[int, Range(0, Block)]


class WindowPool(Machine):
    """Only blocks with memory behind them are ever free.

    Atomicity: one scheduler thread.

    | action   | linearisation point in the code                           | made atomic by   |
    | grow     | addBlockToBeam of a block from getFreeBlock                | scheduler thread |
    | slide    | detachFrontBlock                                          | scheduler thread |
    | finish   | decRef and releaseBlock of one table entry                | scheduler thread |
    | anchor   | storeBlocks pins the deepest stored block, maybe the root | tree lock        |
    | unanchor | unpinBlocksById                                           | pool lock        |
    """

    kind: Constant[Block, Kind]
    holders: Map[Block, Set[Request]]
    anchored: Map[Block, bool]
    free: UniqueFifo[Block]
    nfree: BlockCount

    @classmethod
    def instance(cls, *, N: int = 2, H: int = 1, R: int = 2) -> Model:
        """N real blocks, H placeholders, one root and R requests."""
        kinds = [Kind.REAL] * N + [Kind.PLACEHOLDER] * H + [Kind.ROOT]
        return cls.trace(sizes={"Block": N + H + 1, "Request": R}, constants={"kind": kinds})

    @init
    def all_free(self) -> None:
        "Every real block is free."
        self.free.fill(b for b in Block if self.kind[b] == Kind.REAL)
        self.nfree = len(self.free)

    # ---- building blocks

    def is_unused(self, b: Block) -> bool:
        return len(self.holders[b]) == 0 and not self.anchored[b]

    def release_if_unused(self, b: Block) -> None:
        if self.is_unused(b) and self.kind[b] == Kind.REAL:
            self.free.push(b)
            self.nfree += 1

    # ---- actions

    @action
    def grow(self, r: Request) -> None:
        "A sequence takes the oldest free block."
        require("a block is free", len(self.free) > 0)
        b = self.free.pop()
        self.nfree -= 1
        self.holders[b].add(r)

    @action
    def slide(self, r: Request, b: Block, hole: Block) -> None:
        "A table entry falls out of the window, and a fresh placeholder takes its place."
        require("the sequence holds it", r in self.holders[b])
        require("the other is a placeholder", self.kind[hole] == Kind.PLACEHOLDER)
        require("it fills no hole yet", len(self.holders[hole]) == 0)
        self.holders[b].discard(r)
        self.holders[hole].add(r)
        self.release_if_unused(b)

    @action
    def finish(self, r: Request, b: Block) -> None:
        "A sequence lets go of a table entry, real or not."
        require("the sequence holds it", r in self.holders[b])
        self.holders[b].discard(r)
        self.release_if_unused(b)

    @action
    def anchor(self, b: Block) -> None:
        "The deepest stored block of a chain is pinned: for an empty chain, the root."
        require("it is in use or the root", len(self.holders[b]) > 0 or self.kind[b] == Kind.ROOT)
        self.anchored[b] = True

    @action
    def unanchor(self, b: Block) -> None:
        "The pin of a chain is let go."
        require("it has a pin", self.anchored[b])
        self.anchored[b] = False
        self.release_if_unused(b)

    # ---- what must always hold

    @invariant(
        id="KV-INV-13",
        why="TensorRT-LLM releaseBlock refuses the root and skips placeholders: no memory is there",
        strength=Strength.EVERY_SIZE,
    )
    def only_real_blocks_are_free(self) -> bool:
        "Neither the root nor a placeholder is ever in the free queue."
        return all(b not in self.free or self.kind[b] == Kind.REAL for b in Block)

    @invariant(
        id="KV-INV-03",
        why="TensorRT-LLM verifyQueueIntegrity; a queued block is handed out to whoever comes next",
        strength=Strength.EVERY_SIZE,
    )
    def queued_is_unused(self) -> bool:
        "No queued block is in a table or pinned."
        return all(b not in self.free or self.is_unused(b) for b in Block)

    @invariant(
        id="KV-INV-04",
        why="TensorRT-LLM #11879: counters drifted until the used count was -2",
        strength=Strength.EVERY_SIZE,
    )
    def counter_counts(self) -> bool:
        "The free counter equals the length of the queue."
        return self.nfree == len(self.free)

    @invariant(
        id="KV-INV-11",
        why="TensorRT-LLM #12892 and #13029: claimed blocks that nobody released were lost",
        strength=Strength.EVERY_SIZE,
    )
    def unused_is_queued(self) -> bool:
        "Every real block that is neither in a table nor pinned is in the queue."
        return all(
            self.kind[b] != Kind.REAL or not self.is_unused(b) or b in self.free for b in Block
        )

    @invariant(
        id="KV-INV-57",
        why="TensorRT-LLM detachFrontBlock: a fresh placeholder a hole, so that tables keep length",
        strength=Strength.EVERY_SIZE,
    )
    def one_hole_each(self) -> bool:
        "A placeholder fills at most one hole."
        return all(self.kind[b] != Kind.PLACEHOLDER or len(self.holders[b]) <= 1 for b in Block)

    # ---- what must be possible

    @goal
    def a_hole_beside_a_block(self) -> bool:
        "A sequence has slid past a block and grown on."
        return any(
            r in self.holders[a]
            and r in self.holders[b]
            and self.kind[a] == Kind.PLACEHOLDER
            and self.kind[b] == Kind.REAL
            for r in Request
            for a in Block
            for b in Block
        )

    @goal
    def the_root_is_pinned(self) -> bool:
        "An empty chain was anchored at the root."
        return any(self.anchored[b] and self.kind[b] == Kind.ROOT for b in Block)
