"""Readers that pin a block by its id, which they were told earlier, beside those that pin by hash.

It decides what a pin by id must look at, since by the time it comes the block may be anything:
handed out for other content, or in the scheduler's hand while a copy writes its slot. The idea: an
id is told with its generation, and a pin looks whether that is still the block's; generations are
not counted here, `current` is what comparing them would say. `cached` alone does not say it.
"""

from __future__ import annotations

from collections.abc import Iterator

from kvspec.lang import Map, Strength, action, invariant, require, thread
from kvspec.models.remote import REFS, Block, Reader, SharedPool


class ByIdPool(SharedPool):
    """A pin by id looks at the generation, and whether the block is in the scheduler's hand."""

    by_id: Map[Reader, bool]
    current: Map[Reader, bool]

    # ---- what a pin looks at

    def has_content(self, r: Reader, b: Block) -> bool:
        return self.cached[b] or (self.by_id[r] and self.refs[b] > 0 and not self.in_hand[b])

    def is_what_was_told(self, r: Reader, b: Block) -> bool:
        return self.current[r] and self.has_content(r, b)

    # ---- what makes an id old

    def enter(self, b: Block) -> None:
        if not self.cached[b]:
            for r in Reader:
                if self.wanted[r] == b:
                    self.current[r] = False
        self.in_hand[b] = False
        self.in_table[b] = True

    # ---- how a reader is told

    @action
    def order(self, r: Reader, b: Block) -> None:
        "A remote request for the hash of a cached block arrives."
        require("the reader has none", not self.wants[r])
        require("it is cached", self.cached[b])
        self.wants[r] = True
        self.wanted[r] = b
        self.by_id[r] = False
        self.current[r] = True

    @action
    def tell(self, r: Reader, b: Block) -> None:
        "A reader is told the id of a block that has content, and will pin it by that."
        require("the reader has none", not self.wants[r])
        require("it has content", self.cached[b] or self.in_table[b])
        self.wants[r] = True
        self.wanted[r] = b
        self.by_id[r] = True
        self.current[r] = True

    @thread
    def reader(self, r: Reader) -> Iterator[str]:
        "Pins what it was asked for if that is still there, reads it once it is written, lets go."
        while True:
            require("a block is wanted", self.wants[r])
            require("the lock is free", not self.locked)
            block: Block = self.wanted[r]
            if self.is_what_was_told(r, block) and self.refs[block] < REFS:
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

    # ---- what must always hold beside the facts of `remote`

    @invariant(
        id="KV-INV-32",
        why="S3.4: a pin by id meets whatever the block has become since the id was told",
        strength=Strength.EVERY_SIZE,
    )
    def readers_have_what_they_were_told(self) -> bool:
        "A block that a reader has was not handed out since the reader was told of it."
        return all(not self.has[r] or self.current[r] for r in Reader)
