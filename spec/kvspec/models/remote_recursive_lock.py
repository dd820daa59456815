"""A reader that takes the lock twice, where the lock is recursive: the second time changes nothing.

It decides whether a recursive lock mends `s3-7-relock`, in which the reader waits for itself; it
does. The lock is held over two steps of the reader, so that here two threads keep it in turn.
"""

from __future__ import annotations

from collections.abc import Iterator

from kvspec.lang import lemma, require, thread
from kvspec.lang.standing import at, kept
from kvspec.models.remote import REFS, Block, Reader
from kvspec.models.remote_proof import ProvedPool


class RecursiveLockPool(ProvedPool):
    """Whoever has the lock may take it again, and it is free once as many times let go."""

    @thread
    def reader(self, r: Reader) -> Iterator[str]:
        "Takes the lock, then claims, which takes the lock: it is the reader's own."
        while True:
            require("a block is wanted", self.wants[r])
            require("the lock is free", not self.locked)
            block: Block = self.wanted[r]
            self.locked = True
            yield "locked"
            self.locked = False
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

    @lemma
    def locks_for_what_it_was_asked(self) -> bool:
        "A reader that has the lock still wants the block that it looked for."
        return all(
            not at(self.reader(r), "locked")
            or (self.wants[r] and kept(self.reader(r), "block", Block) == self.wanted[r])
            for r in Reader
        )
