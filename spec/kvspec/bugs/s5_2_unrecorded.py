"""S5.2: the copy's source is a fresh snapshot, and the allocator is not told who reads it."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.staging import Buffer, Stream
from kvspec.models.staging_v1 import StagedTable


class Unrecorded(StagedTable):
    """The use is not recorded, as for a pointer that the allocator does not know."""

    def record_use(self, b: Buffer, st: Stream) -> None:
        self.used_on[b][st] = False


BUG = Bug(
    id="s5-2-unrecorded",
    row="S5.2",
    design="staging-v1",
    machine=Unrecorded,
    source="pytorch #68749: a use of a pointer that is not the allocator's is dropped in silence",
    sentence="The snapshot is handed out again while its copy is pending.",
    breaks=(
        "pending_sources_are_recorded",
        "pending_sources_are_not_handed_out",
        "pending_rows_stand",
        "sends_what_was_staged",
    ),
    sizes={"D": 2, "B": 1},
)
