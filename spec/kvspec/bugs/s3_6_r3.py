"""S3.6 R3: onboarding returns early, and its caller puts the block into the table all the same."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.remote import Block, SharedPool


class LeftInTable(SharedPool):
    """Whoever asked for the block does not learn that it did not come."""

    def leave(self, b: Block) -> None:
        self.enter(b)


BUG = Bug(
    id="s3-6-r3",
    row="S3.6",
    design="remote",
    machine=LeftInTable,
    source="TensorRT-LLM fork PR #3, R3: found on paper, open in the published fix",
    sentence="A request's table gets a block that stayed in host memory.",
    breaks=("tables_are_primary",),
    sizes={"P": 1, "S": 1},
    killed_by=("explicit",),
)
