"""S5.5: a slot is bound without being taken from the free ones, and is bound again."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.staging import Slot
from kvspec.models.staging_v2 import GatheredRows


class Unclaimed(GatheredRows):
    """The slot stays free while it is bound."""

    def claim(self, s: Slot) -> None:
        self.taken[s] = False


BUG = Bug(
    id="s5-5-unclaimed",
    row="S5.5",
    design="staging-v2",
    machine=Unclaimed,
    source="TensorRT-LLM IndexMapper: getIndex of an unknown id inserted slot 0",
    sentence="Two requests share a slot, and each writes its blocks over the other's.",
    breaks=(
        "bound_slots_are_taken",
        "rows_are_their_request_s",
        "pending_rows_stand",
        "reads_what_was_launched",
    ),
)
