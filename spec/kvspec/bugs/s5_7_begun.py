"""S5.7: the event fires as the gather begins, not as it ends."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.staging import Iteration, Moment
from kvspec.models.staging_v2 import GatheredRows


class FiredAtBegin(GatheredRows):
    """An event counts as fired once nothing that it stands for is still enqueued."""

    def has_fired(self, i: Iteration) -> bool:
        return all(self.moment[u] != Moment.ENQUEUED for u in Iteration if self.guard[i][u])


BUG = Bug(
    id="s5-7-begun",
    row="S5.7",
    design="staging-v2",
    machine=FiredAtBegin,
    source="CUDA's programmatic events, which a kernel triggers before it has ended",
    sentence="A buffer is given back while its gather executes.",
    breaks=(
        "pending_buffers_are_guarded",
        "pending_buffers_are_kept",
        "pending_rows_stand",
        "reads_what_was_launched",
    ),
    sizes={"R": 1, "D": 2},
)
