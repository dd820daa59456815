"""S1.4: a claim always counts down the primary level."""

from __future__ import annotations

from kvimpl.blocks.pool import BlockPool
from kvimpl.blocks.queue import Ticket
from kvimpl.bugs.bug import Bug, Evidence
from kvspec.events import BlockId, Level


class DecrementOfTheOtherLevel(BlockPool):
    """The queue is the right one, the counter is primary's."""

    def claim(self, b: BlockId) -> Ticket:
        self.queues.counts[self.level_of(b)] += 1
        self.queues.counts[Level.PRIMARY] -= 1
        return super().claim(b)


BUG = Bug(
    id="s1-4-wrong-level",
    row="S1.4",
    design="tiers",
    source="TensorRT-LLM issue #11879, with the counters of PR #12834's order",
    sentence="Claiming a secondary block counts down the primary counter.",
    evidence=Evidence.STEP,
    pool=DecrementOfTheOtherLevel,
)
