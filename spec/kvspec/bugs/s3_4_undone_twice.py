"""S3.4: an unpin by id does not ask whose pin it undoes, so a repeated one undoes another's."""

from __future__ import annotations

from collections.abc import Iterator

from kvspec.bugs.bug import Bug
from kvspec.lang import require, thread
from kvspec.models.remote import REFS, Block, Reader, SharedPool


class UndoneTwice(SharedPool):
    """A reader whose answer was lost unpins the same id once more."""

    @thread
    def reader(self, r: Reader) -> Iterator[str]:
        "Lets go of its block, and then of whatever reference the block has."
        while True:
            require("a block is wanted", self.wants[r])
            require("the lock is free", not self.locked)
            block: Block = self.wanted[r]
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
                yield "undone"
                require("the lock is free", not self.locked)
                if self.refs[block] > 0:
                    self.refs[block] -= 1
                    self.put_back(block)
            self.wants[r] = False
            yield "idle"


BUG = Bug(
    id="s3-4-undone-twice",
    row="S3.4",
    design="remote",
    machine=UndoneTwice,
    source="TensorRT-LLM fork PR #3: unpinBlocksById takes a reference off whatever has the id",
    sentence="The second unpin of one pin takes a reference that is another's.",
    breaks=(
        "references_counted",
        "scheduler__idle",
        "tables_are_primary",
        "queued_at_its_level",
        "reader__reads",
        "scheduler__swapped",
        "pinned_slots_stay_put",
        "nothing_is_lost",
        "nothing_is_read_while_written",
        "scheduler__came",
        "queued_is_unreferenced",
        "scheduler__sent",
        "scheduler__coming",
    ),
    sizes={"P": 1, "S": 1},
    killed_by=("explicit",),
)
