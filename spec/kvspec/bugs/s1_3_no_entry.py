"""S1.3: a released block is queued and no entry says so."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action
from kvspec.models.stored import Block, StoredQueues


class QueuedWithoutEntry(StoredQueues):
    """A release pushes the block and forgets to note it."""

    @action
    def release(self, b: Block) -> None:
        "A block enters the queue of its level and priority, and nothing notes it."
        if not self.queued[b]:
            level = self.tier[self.slot[b]]
            self.free[level][self.priority[b]].push(b)
            self.nfree[level] += 1


BUG = Bug(
    id="s1-3-no-entry",
    row="S1.3",
    design="stored",
    machine=QueuedWithoutEntry,
    source="the shape of S1.5 in TensorRT-LLM PR #12297's stored coordinates",
    sentence="A block is queued without an entry, so the next release queues it a second time.",
    breaks=(
        "one_queue_each",
        "release",
    ),
    sizes={"P": 1, "S": 1},
)
