"""S5.5: a request ends, and its slot is not among the free ones again."""

from __future__ import annotations

from kvimpl.bugs.staging.bug import Shows, StagingBug
from kvimpl.staging import GatheredStaging, IndexMapper


class Unreleased(IndexMapper):
    """The request is forgotten, and so is its slot."""

    def _give_back(self, number: int) -> None:
        pass


BUG = StagingBug(
    id="s5-5-unreleased",
    row="S5.5",
    source="a mutant of TensorRT-LLM IndexMapper::removeSequence, which gives the slot back",
    sentence="Slots are lost one by one, until no request finds one.",
    shows=Shows.ERROR,
    refused_at="end_request",
    staging=GatheredStaging,
    index=Unreleased,
)
