"""S1.6: blocks below the offload minimum are copied to host memory too."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.retention import Level, Priority, RetentionPool


class OffloadsAnything(RetentionPool):
    """The priority of the victim is not looked at."""

    @action
    def offload_allocate(self, priority: Priority, timed: bool) -> None:
        "Whatever is to be evicted moves to secondary with its priority and expiry."
        require("a primary block is free", self.some_free(Level.PRIMARY))
        require("a secondary block is free", self.some_free(Level.SECONDARY))
        victim = self.free[Level.PRIMARY][self.cheapest(Level.PRIMARY)].front
        spare = self.free[Level.SECONDARY][self.cheapest(Level.SECONDARY)].front
        self.claim(victim)
        self.claim(spare)
        self.swap(victim, spare)
        self.put_back(victim)
        self.ask(spare, priority, timed)
        self.held[spare] = True


BUG = Bug(
    id="s1-6-unworthy",
    row="S1.6",
    design="retention",
    machine=OffloadsAnything,
    source="TensorRT-LLM secondary-offload minimum priority, ignored",
    sentence="Host memory fills with blocks that are not worth a copy.",
    breaks=("host_memory_is_for_the_worthy",),
    sizes={"P": 1, "S": 1},
)
