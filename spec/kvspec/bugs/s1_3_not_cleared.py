"""S1.3: a claimed block keeps its entry, as if it were still queued."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action
from kvspec.models.stored import Block, StoredQueues


class EntryKept(StoredQueues):
    """A claim takes the block off its queue and leaves the entry standing."""

    @action
    def claim(self, b: Block) -> None:
        "A block leaves the queue that its entry names."
        if self.queued[b]:
            level = self.queued_level[b]
            self.free[level][self.queued_priority[b]].remove(b)
            self.nfree[level] -= 1


BUG = Bug(
    id="s1-3-not-cleared",
    row="S1.3",
    design="stored",
    machine=EntryKept,
    source="a slip that TensorRT-LLM PR #12297's stored coordinates make possible",
    sentence="The entry outlives the claim, so the next claim erases what is not there.",
    breaks=(
        "entry_names_its_queue",
        "claim",
    ),
    sizes={"P": 1, "S": 1},
)
