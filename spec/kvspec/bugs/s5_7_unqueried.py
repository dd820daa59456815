"""S5.7: the oldest buffer is retired without asking whether its event has fired."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.staging import Iteration
from kvspec.models.staging_v2 import GatheredRows


class Unqueried(GatheredRows):
    """Every event counts as fired."""

    def has_fired(self, i: Iteration) -> bool:
        return True


BUG = Bug(
    id="s5-7-unqueried",
    row="S5.7",
    design="staging-v2",
    machine=Unqueried,
    source="TensorRT-LLM #15607, whose cure asks the event",
    sentence="A buffer is given back while its gather is pending.",
    breaks=(
        "pending_buffers_are_guarded",
        "pending_buffers_are_kept",
        "pending_rows_stand",
        "reads_what_was_launched",
    ),
    sizes={"R": 1, "D": 2},
)
