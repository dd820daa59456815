"""S3.7: a copy is sent although another one still writes what it reads."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.remote import SharedPool, Slot


class CopiesCross(SharedPool):
    """The two streams know nothing of each other."""

    def is_free_of_copies(self, s: Slot) -> bool:
        return True


BUG = Bug(
    id="s3-7-crossed",
    row="S3.7",
    design="remote",
    machine=CopiesCross,
    source="cf. TensorRT-LLM #9056: a copy read a slot before the copy into it was complete",
    sentence="A block is brought up from a slot into which its own offload is still being written.",
    breaks=("copies_do_not_cross",),
    sizes={"P": 1, "S": 1},
    killed_by=("explicit",),
)
