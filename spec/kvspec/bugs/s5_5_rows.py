"""S5.5: the index is a snapshot, and the rows are not: the gather reads the persistent table."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.staging import Iteration, Offsets
from kvspec.models.staging_v2 import GatheredRows


class RowsInPlace(GatheredRows):
    """The kernel is given the persistent rows."""

    def gathered(self, i: Iteration) -> Offsets:
        return self.row[self.index_of[i]]


BUG = Bug(
    id="s5-5-rows",
    row="S5.5",
    design="staging-v2",
    machine=RowsInPlace,
    source="TensorRT-LLM #15607",
    sentence="A row that changes after the launch is gathered as it is then.",
    breaks=("reads_what_was_launched",),
    sizes={"R": 1},
)
