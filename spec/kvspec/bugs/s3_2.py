"""S3.2: to look for a free block and to claim it are two steps."""

from __future__ import annotations

from collections.abc import Iterator

from kvspec.bugs.bug import Bug
from kvspec.lang import require, thread
from kvspec.models.remote import Block, Job, Level, SharedPool


class PeekThenClaim(SharedPool):
    """The scheduler lets go of the lock between its look and its claim."""

    @thread
    def scheduler(self) -> Iterator[str]:
        "Allocates without offload, and releases."
        while True:
            require("there is a job", self.job != Job.NONE)
            require("the lock is free", not self.locked)
            block: Block = self.job_block
            if self.job == Job.ALLOCATE and len(self.free[Level.PRIMARY]) > 0:
                block = self.free[Level.PRIMARY].front
                yield "peeked"
                require("the lock is free", not self.locked)
                self.take(block)
                self.cached[block] = False
                self.enter(block)
            elif self.job == Job.RELEASE and self.in_table[block]:
                self.in_table[block] = False
                self.refs[block] -= 1
                self.put_back(block)
            self.job = Job.NONE
            yield "idle"


BUG = Bug(
    id="s3-2",
    row="S3.2",
    design="remote",
    machine=PeekThenClaim,
    source="TensorRT-LLM fork PR #3, layer 2: getFreeBlock, then claim",
    sentence="The block that the scheduler looked at is claimed by a reader before it claims it.",
    breaks=("scheduler__peeked",),
    sizes={"P": 1, "S": 1},
    killed_by=("explicit",),
)
