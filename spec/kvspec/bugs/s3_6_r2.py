"""S3.6 R2: find-and-pin and release hold two different locks, which keep nobody out."""

from __future__ import annotations

from collections.abc import Iterator

from kvspec.bugs.bug import Bug
from kvspec.lang import require, thread
from kvspec.models.remote import REFS, Block, Reader, SharedPool


class TwoLocks(SharedPool):
    """The look at the references and the count are under a lock that release does not take."""

    @thread
    def reader(self, r: Reader) -> Iterator[str]:
        "Claims only if the block had no reference when it looked."
        while True:
            require("a block is wanted", self.wants[r])
            block: Block = self.wanted[r]
            had_none: bool = self.refs[block] == 0
            yield "looked"
            require("the lock is free", not self.locked)
            if self.cached[block] and self.refs[block] < REFS:
                if had_none and self.is_queued(block):
                    self.claim(block)
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
    id="s3-6-r2",
    row="S3.6",
    design="remote",
    machine=TwoLocks,
    source="TensorRT-LLM fork PR #3, R2: found on paper, open in the published fix",
    sentence="A block released between the look and the count is pinned and queued at once.",
    breaks=(
        "queued_is_unreferenced",
        "pinned_slots_stay_put",
        "nothing_is_read_while_written",
        "reader__reads",
    ),
    sizes={"P": 1, "S": 1},
    killed_by=("explicit",),
)
