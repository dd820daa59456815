"""S1.6: a claim that states no duration erases the one that was asked for."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.retention import Block, RetentionPool


class ClaimErasesTheTime(RetentionPool):
    """The offload path claims its victim without a duration, and releases it with none."""

    def claim(self, b: Block) -> None:
        level = self.level_of(b)
        self.free[level][self.priority[b]].remove(b)
        self.nfree[level] -= 1
        self.expiring.discard(b)
        self.timed[b] = False


BUG = Bug(
    id="s1-6",
    row="S1.6",
    design="retention",
    machine=ClaimErasesTheTime,
    source="TensorRT-LLM claimBlock(b, none, none) in getFreeBlock after PR #12834",
    sentence="A block of a timed priority that is offloaded keeps the priority for ever.",
    breaks=(
        "favours_end",
        "ghost_agrees",
    ),
    sizes={"P": 1, "S": 1},
)
