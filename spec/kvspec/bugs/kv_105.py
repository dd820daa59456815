"""KV-105: a stream's callback has the driver's lock and asks for the interpreter's."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.locks import Lock, OrderedLocks, Task


class CallbackAsks(OrderedLocks):
    """Threads keep the order, and a callback, which nobody takes for a thread, asks freely."""

    def may_ask(self, t: Task, k: Lock) -> bool:
        has_driver = any(self.is_driver[own] and own in self.has[t] for own in Lock)
        return self.comes_after(t, k) or (has_driver and k not in self.has[t])


BUG = Bug(
    id="kv-105",
    row="KV-105",
    design="locks",
    machine=CallbackAsks,
    source="LMCache PRs #2952, #2823 and #3336; TensorRT-LLM PR #15855",
    sentence="A thread in the driver waits for a stream whose callback waits for the thread.",
    breaks=(
        "locks_are_taken_in_order",
        "deadlock",
    ),
)
