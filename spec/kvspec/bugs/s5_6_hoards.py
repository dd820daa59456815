"""S5.6: buffers are retired when somebody finds the time, not before each launch."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.staging_v2 import GatheredRows


class Hoarded(GatheredRows):
    """A launch does not ask whether there is something to retire."""

    def is_swept(self) -> bool:
        return True


BUG = Bug(
    id="s5-6-hoards",
    row="S5.6",
    design="staging-v2",
    machine=Hoarded,
    source="What PR #15607 bounds by retiring at each launch",
    sentence="The buffers that are kept back grow with the run, not with the depth of the overlap.",
    breaks=("at_most_depth_buffers",),
    sizes={"R": 1},
)
