"""S3.3: onboarding does not look again, after its copy, whether a reader has come."""

from __future__ import annotations

from kvimpl.bugs.shared.bug import SharedBug, Shows
from kvimpl.shared import Books
from kvspec.events import BlockId


class OneLook(Books):
    """The swap after the copy up asks nothing."""

    def may_not_come(self, b: BlockId) -> bool:
        return False


BUG = SharedBug(
    id="s3-3",
    row="S3.3",
    source="TensorRT-LLM fork PR #3, layer 4: onboardBlock looks only before its copy",
    sentence="A block that was pinned while it came up is swapped away from under its reader.",
    shows=frozenset({Shows.LOCKSTEP, Shows.RACES, Shows.PAYLOAD, Shows.LINEAR}),
    books=OneLook,
)
