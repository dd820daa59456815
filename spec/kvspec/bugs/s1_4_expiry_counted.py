"""S1.4: an expired block is queued anew and counted anew, though it never left."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.retention import Block, Priority, RetentionPool


class ExpiryCounted(RetentionPool):
    """Expiry releases the block a second time."""

    @action
    def expire(self, b: Block) -> None:
        "A block's time is over: it is released once more, with the default priority."
        require("it awaits expiry", b in self.expiring)
        level = self.level_of(b)
        self.free[level][self.priority[b]].remove(b)
        self.priority[b] = Priority.DEFAULT
        self.timed[b] = False
        self.expiring.discard(b)
        self.asked_for_a_time[b] = False
        self.put_back(b)


BUG = Bug(
    id="s1-4-expiry-counted",
    row="S1.4",
    design="retention",
    machine=ExpiryCounted,
    source="TensorRT-LLM refresh must leave the counters as they are",
    sentence="The free counter goes up with every expiry.",
    breaks=(
        "counters_count",
        "expire",
    ),
    sizes={"P": 1, "S": 1},
)
