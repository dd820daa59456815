"""S5.5: the rows are a snapshot, and the index is not: each launch refills the one there is."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.staging import Iteration, Offsets
from kvspec.models.staging_v2 import GatheredRows


class IndexInPlace(GatheredRows):
    """The kernel is given the persistent index."""

    def gathered(self, i: Iteration) -> Offsets:
        return self.held[self.buffer_of[i]][self.copy_index]


BUG = Bug(
    id="s5-5-index",
    row="S5.5",
    design="staging-v2",
    machine=IndexInPlace,
    source="TensorRT-LLM #15607: copyIndex_ is one buffer, refilled from 0",
    sentence="A pending gather takes the row that the next iteration's index names.",
    breaks=("reads_what_was_launched",),
    sizes={"S": 2, "R": 1, "D": 2},
)
