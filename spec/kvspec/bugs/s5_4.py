"""S5.4: the fresh buffer is given up right after the launch, as a recorded copy would allow."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.staging import Iteration
from kvspec.models.staging_v2 import GatheredRows


class GivenUpAtOnce(GatheredRows):
    """Nobody keeps the buffer: the allocator knows of no use of it, and calls it free."""

    def keep(self, i: Iteration) -> None:
        self.free[self.buffer_of[i]] = True


BUG = Bug(
    id="s5-4",
    row="S5.4",
    design="staging-v2",
    machine=GivenUpAtOnce,
    source="TensorRT-LLM #15607, whose first cure was a fresh buffer alone",
    sentence="The buffer of a pending gather is handed out again, and filled with another table.",
    breaks=(
        "pending_buffers_are_guarded",
        "pending_buffers_are_kept",
        "pending_rows_stand",
        "reads_what_was_launched",
    ),
    sizes={"R": 1, "D": 2},
)
