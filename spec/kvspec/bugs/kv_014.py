"""KV-014: a prefetch that ends early gives its rest back, and its caller gives it back again."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.objects import ObjectStore, Page


class GivenBackByBoth(ObjectStore):
    """Whoever gives a page back leaves it on the prefetch's list, for the caller."""

    @action
    def give_up(self, p: Page) -> None:
        "The prefetch ends early, and gives a page of its list back."
        require("it is the prefetch's", p in self.reserved)
        self.free.push(p)


BUG = Bug(
    id="kv-014",
    row="KV-014",
    design="objects",
    machine=GivenBackByBoth,
    source="SGLang issue #13483: the routine and its caller release the tail of one reservation",
    sentence="A page is given back by two who believe that it is theirs, and handed out twice.",
    breaks=(
        "free_is_unused",
        "give_up",
        "reserved_is_unused",
        "remove",
        "done",
        "let_go",
    ),
    sizes={"N": 1, "B": 1},
)
