"""S3.4: the reference count is atomic, the queue has a lock, and the two do not change together."""

from __future__ import annotations

from collections.abc import Iterator

from kvspec.bugs.bug import Bug
from kvspec.lang import require, thread
from kvspec.models.remote import REFS, Block, Reader, SharedPool


class AtomicCountAlone(SharedPool):
    """A pin counts first, and takes the block off its queue if its reference was the first."""

    @thread
    def reader(self, r: Reader) -> Iterator[str]:
        "Counts in one step, claims in the next."
        while True:
            require("a block is wanted", self.wants[r])
            block: Block = self.wanted[r]
            if self.cached[block] and self.refs[block] < REFS:
                was_first: bool = self.refs[block] == 0
                self.refs[block] += 1
                self.has[r] = True
                self.told[r] = self.slot[block]
                yield "counted"
                require("the lock is free", not self.locked)
                if was_first:
                    self.claim(block)
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
    id="s3-4-atomic",
    row="S3.4",
    design="remote",
    machine=AtomicCountAlone,
    source="cf. TensorRT-LLM fork PR #3: an atomic mRefCount beside a lock of the queues",
    sentence="A block that a reader has counted is still queued, and the scheduler claims it.",
    breaks=(
        "queued_is_unreferenced",
        "reader__counted",
        "pinned_slots_stay_put",
    ),
    sizes={"P": 1, "S": 1},
    killed_by=("explicit",),
)
