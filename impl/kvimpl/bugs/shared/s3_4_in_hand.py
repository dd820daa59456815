"""S3.4: a pin by id takes any reference for a holder's, the scheduler's own as well."""

from __future__ import annotations

from kvimpl.bugs.shared.bug import SharedBug, Shows
from kvimpl.bugs.shared.told_ids import ToldIds
from kvspec.events import BlockId


class FindsTheCounterpart(ToldIds):
    """What the first version of our own manager asked."""

    def _has_content(self, block: BlockId) -> bool:
        return self._books.keys[block] is not None or self._books.refs[block] > 0


BUG = SharedBug(
    id="s3-4-in-hand",
    row="S3.4",
    source="kvproof: our own shared manager, found with this variant of the design",
    sentence="A block is pinned while the scheduler has it in hand to be written over.",
    shows=frozenset({Shows.LOCKSTEP, Shows.RACES, Shows.PAYLOAD}),
    manager=FindsTheCounterpart,
)
