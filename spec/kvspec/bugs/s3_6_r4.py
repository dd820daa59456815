"""S3.6 R4: the map of pending writes is read without the lock under which the slot is looked up."""

from __future__ import annotations

from collections.abc import Iterator

from kvspec.bugs.bug import Bug
from kvspec.lang import require, thread
from kvspec.models.remote import REFS, Block, Reader, SharedPool


class OldMap(SharedPool):
    """What is pending is read in the step before the pin."""

    @thread
    def reader(self, r: Reader) -> Iterator[str]:
        "Does not wait for a write that began after it looked."
        while True:
            require("a block is wanted", self.wants[r])
            block: Block = self.wanted[r]
            is_pending: bool = self.noted[self.slot[block]]
            yield "looked"
            require("the lock is free", not self.locked)
            if self.cached[block] and self.refs[block] < REFS:
                self.join(block)
                self.has[r] = True
                self.told[r] = self.slot[block]
                yield "pinned"
                require("its bytes are there", not is_pending or not self.noted[self.told[r]])
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
    id="s3-6-r4",
    row="S3.6",
    design="remote",
    machine=OldMap,
    source="TensorRT-LLM fork PR #3, R4: found on paper, open in the published fix",
    sentence="The reader asks the map of pending writes before it knows where the block will be.",
    breaks=("nothing_is_read_while_written",),
    sizes={"P": 1, "S": 1},
    killed_by=("explicit",),
)
