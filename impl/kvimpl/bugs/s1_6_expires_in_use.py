"""S1.6: a block in use is still due to expire."""

from __future__ import annotations

from kvimpl.blocks.pool import BlockPool
from kvimpl.blocks.queue import Ticket
from kvimpl.bugs.bug import Bug, Evidence, Needs
from kvspec.events import BlockId


class ClaimKeepsTheAlarm(BlockPool):
    """Claim leaves the expiring set alone, and expiry demotes what it finds."""

    def claim(self, b: BlockId) -> Ticket:
        deadline = self.deadline[b] if b in self.expiries.waiting() else None
        ticket = super().claim(b)
        if deadline is not None:
            self.expiries.schedule(b, deadline)
        return ticket


BUG = Bug(
    id="s1-6-expires-in-use",
    row="S1.6",
    design="retention",
    source="TensorRT-LLM refresh, which demotes blocks in use; PR #12297 demotes only queued ones",
    sentence="A block in use expires, and is looked for in a queue that it left.",
    evidence=Evidence.STEP,
    pool=ClaimKeepsTheAlarm,
    needs=frozenset({Needs.PRIORITIES}),
    settings={
        "primary_count": 1,
        "secondary_count": 1,
        "priority_count": 3,
        "default_priority": 1,
        "offload_priority_min": 1,
    },
)
