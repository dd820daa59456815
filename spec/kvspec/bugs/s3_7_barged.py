"""S3.7: a reader whose try-lock fails goes on without the lock."""

from __future__ import annotations

from collections.abc import Iterator

from kvspec.bugs.bug import Bug
from kvspec.lang import require, thread
from kvspec.models.remote import REFS, Block, Reader, SharedPool


class GoesOnWithoutLock(SharedPool):
    """What a failed try-lock returns is looked at by nobody."""

    @thread
    def reader(self, r: Reader) -> Iterator[str]:
        "Looks and counts in one step with the lock, and in two without."
        while True:
            require("a block is wanted", self.wants[r])
            block: Block = self.wanted[r]
            was_queued: bool = self.is_queued(block)
            if self.locked:
                yield "barged"
            if self.cached[block] and self.refs[block] < REFS:
                if was_queued:
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
    id="s3-7-barged",
    row="S3.7",
    design="remote",
    machine=GoesOnWithoutLock,
    source="cf. TensorRT-LLM fork PR #3: a try_lock is no lock unless its answer is looked at",
    sentence="A block is queued between the look and the count of a reader that has no lock.",
    breaks=(
        "queued_is_unreferenced",
        "reader__reads",
        "pinned_slots_stay_put",
        "nothing_is_read_while_written",
    ),
    sizes={"P": 1, "S": 1},
    killed_by=("explicit",),
)
