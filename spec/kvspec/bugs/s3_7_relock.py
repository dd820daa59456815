"""S3.7: R2 cured in haste: find-and-pin takes the queues' lock, and its claim takes it again."""

from __future__ import annotations

from collections.abc import Iterator

from kvspec.bugs.bug import Bug
from kvspec.lang import require, thread
from kvspec.models.remote import REFS, Block, Reader, SharedPool


class LockTwice(SharedPool):
    """The lock is not recursive."""

    @thread
    def reader(self, r: Reader) -> Iterator[str]:
        "Takes the lock, then claims, which takes the lock."
        while True:
            require("a block is wanted", self.wants[r])
            require("the lock is free", not self.locked)
            block: Block = self.wanted[r]
            self.locked = True
            yield "locked"
            require("the lock is free", not self.locked)
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


BUG = Bug(
    id="s3-7-relock",
    row="S3.7",
    design="remote",
    machine=LockTwice,
    source="cf. TensorRT-LLM fork PR #3: its *Unlocked variants exist because of this",
    sentence="The reader waits for a lock that it has itself, and so does everybody else.",
    breaks=("deadlock",),
    sizes={"P": 1, "S": 1},
    killed_by=("explicit",),
)
