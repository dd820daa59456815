"""S3.4: a pin by id takes any reference for a holder's, the scheduler's own as well."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.remote import Block, Reader
from kvspec.models.remote_by_id import ByIdPool


class FindsTheCounterpart(ByIdPool):
    """The id is not old yet while the block is only claimed to be written over."""

    def has_content(self, r: Reader, b: Block) -> bool:
        return self.cached[b] or (self.by_id[r] and self.refs[b] > 0)


BUG = Bug(
    id="s3-4-in-hand",
    row="S3.4",
    design="remote-by-id",
    machine=FindsTheCounterpart,
    source="kvproof: our own shared manager, found with this variant of the design",
    sentence="A block is pinned while the scheduler has it in hand to be written over.",
    breaks=(
        "pinned_slots_stay_put",
        "nothing_is_read_while_written",
        "readers_have_what_they_were_told",
    ),
    sizes={"P": 1, "S": 1},
    killed_by=("explicit",),
)
