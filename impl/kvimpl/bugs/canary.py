"""The first block that is handed out is counted twice."""

from __future__ import annotations

from kvimpl.blocks.pool import BlockPool
from kvimpl.blocks.settings import Keep
from kvimpl.bugs.bug import Bug, Evidence
from kvspec.events import BlockId, RequestId


class MiscountsAtOnce(BlockPool):
    """Handing out a block tells the counter of its level once more."""

    def hand_out(self, b: BlockId, r: RequestId, keep: Keep) -> None:
        super().hand_out(b, r, keep)
        self.queues.counts[self.level_of(b)] -= 1


BUG = Bug(
    id="canary",
    row="canary",
    design="tiers",
    source="none: made to be found",
    sentence="A checker that misses this one looks at nothing.",
    evidence=Evidence.STEP,
    pool=MiscountsAtOnce,
)
