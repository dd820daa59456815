"""KV-INV-76: a lock that does not wait."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.locks import OrderedLocks, Task


class NoMutex(OrderedLocks):
    """Whoever asks gets."""

    @action
    def get(self, t: Task) -> None:
        "A task goes on as if it had the lock."
        require("it waits", self.waits(t))
        k = self.wanted[t].pop()
        self.has[t].add(k)


BUG = Bug(
    id="inv-76-no-mutex",
    row="KV-INV-76",
    design="locks",
    machine=NoMutex,
    source="TensorRT-LLM fork PR #3, layer 1: the queues had no lock",
    sentence="Two threads are where only one may be.",
    breaks=("one_owner",),
)
