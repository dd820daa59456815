"""S1.5: a pinned block changes its slot under its reader."""

from __future__ import annotations

from kvimpl.blocks.pool import BlockPool
from kvimpl.blocks.queue import Ticket
from kvimpl.bugs.bug import Bug, Evidence
from kvspec.events import BlockId


class OnboardIgnoresPins(BlockPool):
    """Onboarding looks at copies only, and claims what is not queued by doing nothing."""

    def can_move(self, b: BlockId) -> bool:
        return not self.is_in_flight(b)

    def claim(self, b: BlockId) -> Ticket:
        return super().claim(b) if self.queues.holds(b) else Ticket(0)


BUG = Bug(
    id="s1-5-moved",
    row="S1.5",
    design="tiers",
    source="TensorRT-LLM fork, onboardBlock before its second look at the references (KV-S06)",
    sentence="A pinned block changes its slot while the reader holds the old address.",
    evidence=Evidence.STEP,
    pool=OnboardIgnoresPins,
)
