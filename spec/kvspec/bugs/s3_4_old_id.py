"""S3.4: a pin by id does not look whether the block is still what the id was told for."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.remote import Block, Reader
from kvspec.models.remote_by_id import ByIdPool


class OldId(ByIdPool):
    """An id is told without a generation."""

    def is_what_was_told(self, r: Reader, b: Block) -> bool:
        return (self.by_id[r] or self.current[r]) and self.has_content(r, b)


BUG = Bug(
    id="s3-4-old-id",
    row="S3.4",
    design="remote-by-id",
    machine=OldId,
    source="cf. TensorRT-LLM fork PR #3: pinBlocksById knows a block by its number alone",
    sentence="A reader pins a block that was handed out again, and reads another's content.",
    breaks=("readers_have_what_they_were_told",),
    sizes={"P": 1, "S": 1},
    killed_by=("explicit",),
)
