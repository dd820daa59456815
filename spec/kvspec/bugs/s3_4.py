"""S3.4: the test, the claim and the count of a pin are not one critical section."""

from __future__ import annotations

from collections.abc import Iterator

from kvspec.bugs.bug import Bug
from kvspec.lang import require, thread
from kvspec.models.remote import REFS, Block, Reader, SharedPool


class PinInThreeSteps(SharedPool):
    """A reader remembers whether the block was queued."""

    @thread
    def reader(self, r: Reader) -> Iterator[str]:
        "Looks in one step, claims and counts in the next."
        while True:
            require("a block is wanted", self.wants[r])
            require("the lock is free", not self.locked)
            block: Block = self.wanted[r]
            was_queued: bool = self.is_queued(block)
            yield "looked"
            require("the lock is free", not self.locked)
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
    id="s3-4",
    row="S3.4",
    design="remote",
    machine=PinInThreeSteps,
    source="TensorRT-LLM fork PR #3, layer 3: pinBlocksById outside the lock",
    sentence="What was queued when the reader looked is gone when it claims, or the reverse.",
    breaks=(
        "queued_is_unreferenced",
        "pinned_slots_stay_put",
        "nothing_is_read_while_written",
        "reader__looked",
        "reader__reads",
    ),
    sizes={"P": 1, "S": 1},
    killed_by=("explicit",),
)
