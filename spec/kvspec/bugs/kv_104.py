"""KV-104: two threads take two locks, each in an order of its own."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.locks import Lock, OrderedLocks, Task


class AnyOrder(OrderedLocks):
    """Whoever has a lock asks for the next that it needs."""

    def may_ask(self, t: Task, k: Lock) -> bool:
        return k not in self.has[t]


BUG = Bug(
    id="kv-104",
    row="KV-104",
    design="locks",
    machine=AnyOrder,
    source="Mooncake PR #2486: the unmount timer and the snapshot, and a lock of each",
    sentence="Each of two threads waits for the lock that the other has.",
    breaks=(
        "locks_are_taken_in_order",
        "deadlock",
    ),
)
