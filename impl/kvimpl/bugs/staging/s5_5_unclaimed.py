"""S5.5: a slot is bound without being taken from the free ones, and is bound again."""

from __future__ import annotations

from kvimpl.bugs.staging.bug import Shows, StagingBug
from kvimpl.staging import GatheredStaging, IndexMapper


class Unclaimed(IndexMapper):
    """The slot that has been free for longest stays free."""

    def _claim(self) -> int:
        return self._free[0]


BUG = StagingBug(
    id="s5-5-unclaimed",
    row="S5.5",
    source="TensorRT-LLM IndexMapper: getIndex of an unknown id inserted slot 0",
    sentence="Two requests share a slot, and each writes its blocks over the other's.",
    shows=Shows.ROWS,
    refused_at="bind",
    staging=GatheredStaging,
    index=Unclaimed,
)
