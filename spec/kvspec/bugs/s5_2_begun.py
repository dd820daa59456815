"""S5.2: the allocator's events fire as the copy begins, not as it ends."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.staging import Buffer, Moment, Stream
from kvspec.models.staging_v1 import StagedTable


class FiredAtBegin(StagedTable):
    """A copy that has begun holds no buffer back any more."""

    @action
    def start(self, st: Stream) -> None:
        "The device begins the work at the front of a stream, and its events fire."
        require("a work is enqueued", len(self.stream[st]) > 0)
        i = self.stream[st].front
        self.moment[i] = Moment.EXECUTING
        for b in Buffer:
            self.guard[b][i] = False


BUG = Bug(
    id="s5-2-begun",
    row="S5.2",
    design="staging-v1",
    machine=FiredAtBegin,
    source="CUDA's programmatic events, which fire before the work has ended",
    sentence="The snapshot is handed out again while its copy executes.",
    breaks=(
        "pending_sources_are_not_handed_out",
        "pending_sources_are_recorded",
        "pending_rows_stand",
        "sends_what_was_staged",
    ),
    sizes={"D": 2, "B": 1},
)
