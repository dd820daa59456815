"""A reader that does not wait for the lock: where it is held, the request is dropped.

It decides whether a try-lock may take the place of a lock in the design `remote`; it may, as long
as a failure means "not now". What happens to those who go on without the lock is `s3-7-barged`.
"""

from __future__ import annotations

from collections.abc import Iterator

from kvspec.lang import require, thread
from kvspec.models.remote import REFS, Block, Reader
from kvspec.models.remote_proof import ProvedPool


class TryLockPool(ProvedPool):
    """A reader that finds the lock held answers that it has not got the block."""

    @thread
    def reader(self, r: Reader) -> Iterator[str]:
        "Tries the lock once, for the pin; the unpin waits for it."
        while True:
            require("a block is wanted", self.wants[r])
            block: Block = self.wanted[r]
            if not self.locked and self.cached[block] and self.refs[block] < REFS:
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
