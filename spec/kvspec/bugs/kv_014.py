"""KV-014: a prefetch that ends early gives its rest back, and its caller gives it back again."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.objects import ObjectStore, Slot


class GivenBackByBoth(ObjectStore):
    """Whoever gives a slot back leaves it on the prefetch's list, for the caller."""

    @action
    def give_up(self, s: Slot) -> None:
        "The prefetch ends early, and gives a slot of its list back."
        require("it is the prefetch's", s in self.reserved)
        self.free.push(s)


BUG = Bug(
    id="kv-014",
    row="KV-014",
    design="objects",
    machine=GivenBackByBoth,
    source="SGLang issue #13483: the routine and its caller release the tail of one reservation",
    sentence="A slot is given back by two who believe that it is theirs, and handed out twice.",
    breaks=(
        "free_is_unused",
        "give_up",
        "reserved_is_unused",
        "remove",
        "done",
        "let_go",
    ),
    sizes={"N": 1, "S": 1},
)
