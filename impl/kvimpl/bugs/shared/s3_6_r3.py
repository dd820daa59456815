"""S3.6 R3: onboarding returns early, and its caller puts the block into the table all the same."""

from __future__ import annotations

from kvimpl.blocks.handles import BlockHandle, Miss
from kvimpl.bugs.shared.bug import SharedBug, Shows
from kvimpl.shared import Move, SharedManager


class LeftInTable(SharedManager):
    """Whoever asked for the block does not learn that it did not come."""

    def _leave(self, move: Move) -> BlockHandle | Miss:
        return self._arrive_up(move)


BUG = SharedBug(
    id="s3-6-r3",
    row="S3.6",
    source="TensorRT-LLM fork PR #3, R3: found on paper, open in the published fix",
    sentence="A request's table gets a block that stayed in host memory.",
    shows=frozenset({Shows.LOCKSTEP, Shows.ERRORS}),
    manager=LeftInTable,
)
