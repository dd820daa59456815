"""S3.5: the offload swaps its victim although a reader has been told where it is."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.remote import Block, SharedPool


class OffloadUnderReader(SharedPool):
    """The swap after the offload copy asks nothing."""

    def may_not_go(self, b: Block) -> bool:
        return self.refs[b] > 2


BUG = Bug(
    id="s3-5",
    row="S3.5",
    design="remote",
    machine=OffloadUnderReader,
    source="TensorRT-LLM fork PR #3, getFreeBlock swaps what it claimed",
    sentence="A block that was pinned while its offload was in flight moves all the same.",
    breaks=("pinned_slots_stay_put",),
    sizes={"P": 1, "S": 1},
    killed_by=("explicit",),
)
