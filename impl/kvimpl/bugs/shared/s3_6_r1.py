"""S3.6 R1: the swap is outside the lock, and the release that follows does not ask for readers."""

from __future__ import annotations

from kvimpl.blocks.handles import BlockHandle, Miss
from kvimpl.bugs.shared.bug import SharedBug, Shows
from kvimpl.bugs.shared.trusting import TrustingBooks
from kvimpl.shared import Move, Sent, SharedManager
from kvspec.events import BlockId, End, RequestId


class ReleaseUnguarded(TrustingBooks):
    """A claim takes no reference, so nothing tells the release that a reader has come."""

    def take(self, b: BlockId) -> None:
        self.claim(b)

    def may_not_go(self, b: BlockId) -> bool:
        return self.refs[b] > 0

    def may_not_come(self, b: BlockId) -> bool:
        return self.refs[b] > 0

    def let_go(self, b: BlockId, end: End = End.BACK) -> None:
        self.push(b, end)

    def enter(self, b: BlockId, r: RequestId) -> None:
        self.refs[b] += 1
        self.hold(b, r)


class SwapThenRelease(SharedManager):
    """The lock is free between the swap and the end of the allocation."""

    def _land_down(self, move: Move, sent: Sent) -> BlockHandle | None:
        with self._entry:
            if not self._may_go(move, sent):
                self._stay(move)
                return None
            self._swap(move)
        with self._entry:
            return self._arrive_down(move)

    def _land_up(self, move: Move, sent: Sent) -> BlockHandle | Miss:
        with self._entry:
            if not self._may_come(move, sent):
                return self._leave(move)
            self._swap(move)
        with self._entry:
            return self._arrive_up(move)


BUG = SharedBug(
    id="s3-6-r1",
    row="S3.6",
    source="TensorRT-LLM fork PR #3, R1: found on paper, open in the published fix",
    sentence="A block pinned between swap and release is queued, and is a copy's target next.",
    shows=frozenset(
        {Shows.LOCKSTEP, Shows.RACES, Shows.PAYLOAD, Shows.COUNTS, Shows.ERRORS, Shows.LINEAR}
    ),
    manager=SwapThenRelease,
    books=ReleaseUnguarded,
)
