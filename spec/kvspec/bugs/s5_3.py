"""S5.3: instead of being written in place, the table is replaced by a fresh buffer."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.staging import Buffer, Offsets, Slot
from kvspec.models.staging_v1 import Cache, StagedTable


class ReplacedTable(StagedTable):
    """A changed row goes into a fresh table; whoever asked for the old one keeps it."""

    @action
    def write_row(self, c: Cache, s: Slot, v: Offsets) -> None:
        "The blocks of a request change, and a fresh table with its row becomes the table."
        require("a buffer can be handed out", any(self.is_reusable(b) for b in Buffer))
        fresh = next(b for b in Buffer if self.is_reusable(b))
        self.fill(fresh, c)
        self.live[fresh] = True
        self.table[c] = fresh
        self.held[fresh][s] = v
        self.wanted[c][s] = v


BUG = Bug(
    id="s5-3",
    row="S5.3",
    design="staging-v1",
    machine=ReplacedTable,
    source="TensorRT-LLM #15546, first revision, mended by the second",
    sentence="Synchronous readers see rows of the past.",
    breaks=(
        "tables_stay",
        "readers_have_the_table",
        "readers_see_the_rows",
    ),
    sizes={"B": 1},
)
