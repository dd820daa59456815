"""S5.5: rows are read in place and never written while read, but a slot is rebound at once."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.staging import Iteration, Offsets
from kvspec.models.staging_v2 import GatheredRows, Request


class ReboundInPlace(GatheredRows):
    """A bound request's row is not written while a gather of it is pending; an ended one's is."""

    def gathered(self, i: Iteration) -> Offsets:
        return self.row[self.index_of[i]]

    @action
    def write_row(self, r: Request, v: Offsets) -> None:
        "The blocks of a request change, once no gather of its row is pending."
        require("the request is bound", self.bound[r])
        require(
            "no gather of the row is pending",
            all(self.index_of[i] != self.slot_of[r] for i in Iteration if self.is_pending(i)),
        )
        self.row[self.slot_of[r]] = v
        self.table[r] = v


BUG = Bug(
    id="s5-5-rebound",
    row="S5.5",
    design="staging-v2",
    machine=ReboundInPlace,
    source="TensorRT-LLM #15607: removeSequence returns the slot at once",
    sentence="A request ends while its row is gathered, and the next one's blocks are read.",
    breaks=("reads_what_was_launched",),
    sizes={"R": 1},
)
