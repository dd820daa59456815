"""S3.7: a claim takes no reference, so the last reader to leave queues the claimed block."""

from __future__ import annotations

from kvimpl.bugs.shared.bug import SharedBug, Shows
from kvimpl.bugs.shared.trusting import TrustingBooks
from kvspec.events import BlockId, End, RequestId


class ClaimWithoutReference(TrustingBooks):
    """A claim takes the block off its queue and does no more."""

    def take(self, b: BlockId) -> None:
        self.claim(b)

    def may_not_go(self, b: BlockId) -> bool:
        return self.refs[b] > 0

    def may_not_come(self, b: BlockId) -> bool:
        return self.refs[b] > 0

    def let_go(self, b: BlockId, end: End = End.BACK) -> None:
        self.put_back(b, end)

    def enter(self, b: BlockId, r: RequestId) -> None:
        self.refs[b] += 1
        self.hold(b, r)


BUG = SharedBug(
    id="s3-7-claimed",
    row="S3.7",
    source="TensorRT-LLM fork PR #3: a fifth hole in its published fix, found by the search",
    sentence="A reader pins a block that is claimed, lets go of it, and so puts it on the queue.",
    shows=frozenset({Shows.LOCKSTEP, Shows.COUNTS, Shows.ERRORS}),
    books=ClaimWithoutReference,
)
