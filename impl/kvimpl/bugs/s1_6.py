"""S1.6: a claim that states no duration erases the one that was asked for."""

from __future__ import annotations

from kvimpl.blocks.pool import BlockPool
from kvimpl.blocks.queue import Ticket
from kvimpl.bugs.bug import Bug, Evidence, Needs
from kvspec.events import BlockId


class ClaimErasesTheTime(BlockPool):
    """Every claim forgets for how long the block was to be kept."""

    def claim(self, b: BlockId) -> Ticket:
        ticket = super().claim(b)
        self.seconds[b] = None
        return ticket


BUG = Bug(
    id="s1-6",
    row="S1.6",
    design="retention",
    source="TensorRT-LLM claimBlock(b, none, none) in getFreeBlock after PR #12834",
    sentence="A block of a timed priority that is offloaded keeps the priority for ever.",
    evidence=Evidence.STEP,
    pool=ClaimErasesTheTime,
    needs=frozenset({Needs.PRIORITIES}),
    settings={
        "primary_count": 1,
        "secondary_count": 1,
        "priority_count": 3,
        "default_priority": 1,
        "offload_priority_min": 1,
    },
)
