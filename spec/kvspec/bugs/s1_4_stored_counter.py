"""S1.4: the block leaves the stored queue, and the counter of its present level goes down."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action
from kvspec.models.stored import Block, StoredQueues


class CounterOfTheOtherLevel(StoredQueues):
    """The coordinates are used for the queue and not for the counter."""

    @action
    def claim(self, b: Block) -> None:
        "A block leaves the queue that its entry names, and another level counts it."
        if self.queued[b]:
            self.free[self.queued_level[b]][self.queued_priority[b]].remove(b)
            self.nfree[self.tier[self.slot[b]]] -= 1
            self.queued[b] = False


BUG = Bug(
    id="s1-4-stored-counter",
    row="S1.4",
    design="stored",
    machine=CounterOfTheOtherLevel,
    source="TensorRT-LLM PR #12297 decrements the stored level's counter; this does not",
    sentence="After a swap a claim counts down the wrong level, and both counters drift.",
    breaks=(
        "counters_count",
        "claim",
    ),
    sizes={"P": 1, "S": 1},
)
