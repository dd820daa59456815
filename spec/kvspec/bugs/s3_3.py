"""S3.3: onboarding does not look again, after its copy, whether a reader has come."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.remote import Block, SharedPool


class OneLook(SharedPool):
    """The swap after the onboard copy asks nothing."""

    def may_not_come(self, b: Block) -> bool:
        return self.refs[b] > 2


BUG = Bug(
    id="s3-3",
    row="S3.3",
    design="remote",
    machine=OneLook,
    source="TensorRT-LLM fork PR #3, layer 4: onboardBlock looks only before its copy",
    sentence="A block that was pinned while it came up is swapped away from under its reader.",
    breaks=("pinned_slots_stay_put",),
    sizes={"P": 1, "S": 1},
    killed_by=("explicit",),
)
