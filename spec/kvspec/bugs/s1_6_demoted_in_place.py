"""S1.6: an expired block gets the default priority and stays in the queue of the old one."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.retention import Block, Priority, RetentionPool


class DemotedInPlace(RetentionPool):
    """Expiry changes the block and not the queue."""

    @action
    def expire(self, b: Block) -> None:
        "A block's time is over: its priority is the default one, its place the same."
        require("it awaits expiry", b in self.expiring)
        self.priority[b] = Priority.DEFAULT
        self.timed[b] = False
        self.expiring.discard(b)
        self.asked_for_a_time[b] = False


BUG = Bug(
    id="s1-6-demoted-in-place",
    row="S1.6",
    design="retention",
    machine=DemotedInPlace,
    source="the shape of TensorRT-LLM #12834 in the priority instead of the level",
    sentence="The block's priority names a queue that does not hold it, so the next claim fails.",
    breaks=(
        "queued_where_it_belongs",
        "allocate",
        "offload_allocate",
        "reuse",
    ),
    sizes={"P": 1, "S": 1},
)
