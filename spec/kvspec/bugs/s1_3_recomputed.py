"""S1.3: the level is stored with the entry, and then the block is asked for it all the same."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action
from kvspec.models.stored import Block, StoredQueues


class LevelAskedAgain(StoredQueues):
    """A claim computes the queue from what the block is now."""

    @action
    def claim(self, b: Block) -> None:
        "A block leaves the queue of the level and priority that it has now."
        if self.queued[b]:
            level = self.tier[self.slot[b]]
            self.free[level][self.priority[b]].remove(b)
            self.nfree[level] -= 1
            self.queued[b] = False


BUG = Bug(
    id="s1-3-recomputed",
    row="S1.3",
    design="stored",
    machine=LevelAskedAgain,
    source="TensorRT-LLM LRUEvictionPolicy::claimBlock before PR #12297",
    sentence="The queue to leave is computed from the block at the claim, after a swap moved the "
    "block.",
    breaks=("claim",),
    sizes={"P": 1, "S": 1},
)
