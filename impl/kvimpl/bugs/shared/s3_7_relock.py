"""S3.7: R2 cured in haste: find-and-pin takes the queues' lock, and its claim takes it again."""

from __future__ import annotations

from kvimpl.blocks.handles import PinReceipt
from kvimpl.bugs.shared.bug import SharedBug, Shows
from kvimpl.shared import SharedManager
from kvspec.events import Key


class LockTwice(SharedManager):
    """The lock is not recursive."""

    def pin_key(self, key: Key) -> PinReceipt | None:
        with self._entry:
            block = self._books.find(key)
            return None if block is None else self.pin(self._handle(block))


BUG = SharedBug(
    id="s3-7-relock",
    row="S3.7",
    source="cf. TensorRT-LLM fork PR #3: its *Unlocked variants exist because of this",
    sentence="The reader waits for a lock that it has itself, and so does everybody else.",
    shows=frozenset({Shows.RACES, Shows.LINEAR}),
    manager=LockTwice,
)
