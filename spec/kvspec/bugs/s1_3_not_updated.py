"""S1.3: a block that is queued again keeps the level and priority of the last time."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action
from kvspec.models.stored import Block, StoredQueues


class StaleEntry(StoredQueues):
    """A release reuses the entry without writing the coordinates."""

    @action
    def release(self, b: Block) -> None:
        "A block enters the queue of its level and priority; its entry still names the old one."
        if not self.queued[b]:
            level = self.tier[self.slot[b]]
            self.free[level][self.priority[b]].push(b)
            self.nfree[level] += 1
            self.queued[b] = True


BUG = Bug(
    id="s1-3-not-updated",
    row="S1.3",
    design="stored",
    machine=StaleEntry,
    source="a slip that TensorRT-LLM PR #12297's stored coordinates make possible",
    sentence="The stored level and priority are those of the last time the block was queued.",
    breaks=(
        "entry_names_its_queue",
        "one_queue_each",
        "claim",
    ),
    sizes={"P": 1, "S": 1},
)
