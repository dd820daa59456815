"""S3.7: what the scheduler lets go of is put back on no queue."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.remote import Block, SharedPool


class ReleaseForgotten(SharedPool):
    """The scheduler's own reference goes, and the block with it."""

    def let_go(self, b: Block) -> None:
        self.in_hand[b] = False
        self.refs[b] -= 1


BUG = Bug(
    id="s3-7-forgotten",
    row="S3.7",
    design="remote",
    machine=ReleaseForgotten,
    source="cf. TensorRT-LLM #12892: a claimed source was never released, and lost for ever",
    sentence="After an offload or an onboard one block is in no queue and nobody's.",
    breaks=("nothing_is_lost", "scheduler__idle"),
    sizes={"P": 1, "S": 1},
    killed_by=("explicit",),
)
