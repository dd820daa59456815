"""S3.1: a block's reference count is read, changed by the other thread, and written back."""

from __future__ import annotations

from collections.abc import Iterator

from kvspec.bugs.bug import Bug
from kvspec.lang import require, thread
from kvspec.models.remote import REFS, Block, Reader, RefCount, SharedPool


class TornReferences(SharedPool):
    """The pin's count is no atomic; the queue has its lock."""

    @thread
    def reader(self, r: Reader) -> Iterator[str]:
        "Reads the references in one step, and writes one more in the next."
        while True:
            require("a block is wanted", self.wants[r])
            block: Block = self.wanted[r]
            seen: RefCount = self.refs[block]
            yield "counted"
            require("the lock is free", not self.locked)
            if self.cached[block] and self.refs[block] < REFS and seen < REFS:
                if self.is_queued(block):
                    self.claim(block)
                self.refs[block] = seen + 1
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
    id="s3-1-torn",
    row="S3.1",
    design="remote",
    machine=TornReferences,
    source="TensorRT-LLM fork PR #3, layer 1: mRefCount was no std::atomic",
    sentence="A reader writes back a reference count that the scheduler has changed meanwhile.",
    breaks=(
        "references_counted",
        "pinned_slots_stay_put",
        "queued_at_its_level",
        "scheduler__idle",
        "reader__reads",
        "scheduler__swapped",
        "tables_are_primary",
        "nothing_is_read_while_written",
        "nothing_is_lost",
        "queued_is_unreferenced",
        "scheduler__sent",
        "scheduler__came",
        "scheduler__coming",
    ),
    sizes={"P": 1, "S": 1},
    killed_by=("explicit",),
)
