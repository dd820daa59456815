"""S1.5: a block is brought to device memory while a reader copies from its host slot."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.pins import REFS, Block, Level, PinnedPool


class OnboardIgnoresPins(PinnedPool):
    """Onboarding looks at the level only."""

    @action
    def onboard(self, b: Block) -> None:
        "A secondary block moves to the oldest free primary slot, for a request."
        require("it is in host memory", self.level_of(b) == Level.SECONDARY)
        require("a primary block is free", len(self.free[Level.PRIMARY]) > 0)
        require("the reference fits its counter", self.refs[b] < REFS)
        room = self.free[Level.PRIMARY].front
        if b in self.free[Level.SECONDARY]:
            self.claim(b)
        self.claim(room)
        self.swap(b, room)
        self.release_if_unreferenced(room)
        self.hold(b)


BUG = Bug(
    id="s1-5-moved",
    row="S1.5",
    design="pins",
    machine=OnboardIgnoresPins,
    source="TensorRT-LLM fork, onboardBlock before its second look at the references",
    sentence="A pinned block changes its slot while the reader holds the old address.",
    breaks=("pinned_slots_stay_put",),
    sizes={"P": 1, "S": 1},
)
