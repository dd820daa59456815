"""KV-017: eviction gives the memory back itself, whoever else refers to it."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.objects import Key, ObjectStore


class EvictionFrees(ObjectStore):
    """Leaving the index frees the slot instead of dropping the index's own reference."""

    def leave(self, k: Key) -> None:
        self.stored[k] = False
        self.refs[self.slot_of[k]] -= 1
        self.free.push(self.slot_of[k])


BUG = Bug(
    id="kv-017",
    row="KV-017",
    design="objects",
    machine=EvictionFrees,
    source="LMCache PR #3130: batched eviction called the allocator and not the reference count",
    sentence="A slot is handed out again while a reader still copies from it.",
    breaks=(
        "free_is_unused",
        "reserved_is_unused",
        "done",
        "let_go",
        "give_up",
        "remove",
    ),
    sizes={"N": 1, "S": 1},
)
