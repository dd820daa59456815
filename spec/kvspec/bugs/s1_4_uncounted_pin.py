"""S1.4: a pin takes the block off its queue and the counter stays."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.tiers import PINS, REFS, Block, TieredPool


class UncountedPin(TieredPool):
    """Pin removes the block without the counter."""

    @action
    def pin(self, b: Block) -> None:
        "A reader outside the scheduler holds a block where it is."
        require("the pin fits its counter", self.pins[b] < PINS)
        require("the reference fits the counter", self.refs[b] < REFS)
        if b in self.free[self.level_of(b)]:
            self.free[self.level_of(b)].remove(b)
        self.pins[b] += 1
        self.refs[b] += 1


BUG = Bug(
    id="s1-4-uncounted-pin",
    row="S1.4",
    design="tiers",
    machine=UncountedPin,
    source="TensorRT-LLM issue #11879: persistent positive drift with pins in disaggregated "
    "prefill",
    sentence="Each pin and unpin of a free block lets the free counter grow by one.",
    breaks=(
        "counters_count",
        "unpin",
        "release",
    ),
    sizes={"P": 1, "S": 1},
)
