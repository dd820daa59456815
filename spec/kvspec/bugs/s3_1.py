"""S3.1: a queue's count is read, changed by the other thread, and overwritten with the old one."""

from __future__ import annotations

from collections.abc import Iterator

from kvspec.bugs.bug import Bug
from kvspec.lang import require, thread
from kvspec.models.remote import REFS, Block, FreeCount, Level, Reader, SharedPool


class CountWithoutLock(SharedPool):
    """The reader's claim reads the count in one step and writes it in the next."""

    @thread
    def reader(self, r: Reader) -> Iterator[str]:
        "Pins with a count that may be old."
        while True:
            require("a block is wanted", self.wants[r])
            block: Block = self.wanted[r]
            seen: FreeCount = self.free_count[self.level_of(block)]
            level: Level = self.level_of(block)
            yield "counted"
            require("the lock is free", not self.locked)
            if self.cached[block] and self.refs[block] < REFS:
                if self.is_queued(block):
                    self.claim(block)
                    self.free_count[level] = seen - 1
                self.refs[block] += 1
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
    id="s3-1",
    row="S3.1",
    design="remote",
    machine=CountWithoutLock,
    source="TensorRT-LLM fork PR #3, layer 1: LRU structures without a mutex",
    sentence="A reader writes back a count that the scheduler has changed meanwhile.",
    breaks=(
        "counted",
        "reader__counted",
        "scheduler__idle",
    ),
    sizes={"P": 1, "S": 1},
    killed_by=("explicit",),
)
