"""S5.7: inputs are retired at the next shipment without asking their event."""

from __future__ import annotations

from kvimpl.bugs.staging.bug import Shows, StagingBug
from kvimpl.staging import GatheredStaging


class Unqueried(GatheredStaging):
    """The last shipment is taken for done when the next one is made."""

    def _retire(self) -> None:
        while self._pending:
            self._free_oldest()


BUG = StagingBug(
    id="s5-7-unqueried",
    row="S5.7",
    source="a mutant of the cure of TensorRT-LLM PR #15607",
    sentence="The event is recorded and not asked, so inputs are freed before the kernel has run.",
    shows=Shows.ANY_RUN,
    refused_at="retire",
    staging=Unqueried,
)
