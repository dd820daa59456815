"""KV-057: two objects are asked for, and the one that is there makes room for the other."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.objects import Key, ObjectStore


class EvictsItsOwn(ObjectStore):
    """A victim may be one of the two."""

    @action
    def put_beside(self, a: Key, b: Key, victim: Key) -> None:
        "Two objects are to be there; one is, and any object makes room for the other."
        require("the one is there", self.stored[a])
        require("the other is not", not self.stored[b])
        require("the victim is there", self.stored[victim])
        require("nobody reads it", self.refs[self.slot_of[victim]] == 1)
        require("nobody offloads it", self.pins[self.slot_of[victim]] == 0)
        self.leave(victim)
        s = self.free.pop()
        self.enter(b, s)
        assert self.stored[a], "the one is there still"


BUG = Bug(
    id="kv-057",
    row="KV-057",
    design="objects",
    machine=EvictsItsOwn,
    source="vLLM PR #35846: prepare_store skipped what was stored and then evicted it",
    sentence="Of two objects that were asked for, the one that was there is evicted for the other.",
    breaks=("put_beside",),
    sizes={"N": 2, "S": 1},
)
