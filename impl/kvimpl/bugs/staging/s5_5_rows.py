"""S5.5: the copy index is a snapshot, the rows are not."""

from __future__ import annotations

from collections.abc import Sequence

from kvimpl.bugs.staging.bug import Shows, StagingBug
from kvimpl.staging import GatheredStaging, Inputs, Slot
from kvimpl.staging.shape import packed


class RowsInPlace(GatheredStaging):
    """The kernel reads the rows of the table itself."""

    def _inputs(self, slots: Sequence[Slot]) -> Inputs:
        index = self._fresh(packed([slot.number for slot in slots]), "index")
        rows = self.table.buffer.view()
        return Inputs(rows, index.view(), self.table.index.slot_count, (index,))


BUG = StagingBug(
    id="s5-5-rows",
    row="S5.5",
    source="TensorRT-LLM copyBatchBlockOffsetsToDevice, PR #15607",
    sentence="The gather reads rows in place, and the host changes them before it has run.",
    shows=Shows.ANY_RUN,
    refused_at="launch",
    staging=RowsInPlace,
)
