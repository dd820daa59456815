"""KV-019: an object that is queued for offload already is pinned once more."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.objects import Key, ObjectStore


class PinnedAnyway(ObjectStore):
    """The queue takes no second entry, calls that a success, and success is what pins."""

    @action
    def ask(self, k: Key) -> None:
        "An object is to be offloaded: it is pinned, and queued unless it is queued already."
        require("it is there", self.stored[k])
        if self.slot_of[k] not in self.queue:
            self.queue.push(self.slot_of[k])
        self.pins[self.slot_of[k]] += 1


BUG = Bug(
    id="kv-019",
    row="KV-019",
    design="objects",
    machine=PinnedAnyway,
    source="Mooncake PR #1853: the second replica of one key was pinned and not queued",
    sentence="Two pins stand for one place in the queue, and one of them is never undone.",
    breaks=(
        "pins_are_queued",
        "ask",
    ),
    sizes={"N": 1, "S": 1, "PINS": 2},
)
