"""S3.7: what the scheduler lets go of is put back on no queue."""

from __future__ import annotations

from kvimpl.bugs.shared.bug import SharedBug, Shows
from kvimpl.bugs.shared.trusting import TrustingBooks
from kvspec.events import BlockId, End


class ReleaseForgotten(TrustingBooks):
    """The scheduler's own reference goes, and the block with it."""

    def let_go(self, b: BlockId, end: End = End.BACK) -> None:
        self.in_hand[b] = False
        self.refs[b] -= 1


BUG = SharedBug(
    id="s3-7-forgotten",
    row="S3.7",
    source="cf. TensorRT-LLM #12892: a claimed source was never released, and lost for ever",
    sentence="After an offload or an onboard one block is in no queue and nobody's.",
    shows=frozenset({Shows.LOCKSTEP, Shows.COUNTS, Shows.LINEAR}),
    books=ReleaseForgotten,
)
