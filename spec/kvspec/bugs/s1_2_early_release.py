"""S1.2: the victim is released while it still is primary, and only then are the slots exchanged."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.offload import OffloadSteps, Stage


class ReleaseBeforeSwap(OffloadSteps):
    """The victim enters the primary queue and is carried to host memory inside it."""

    @action
    def swap(self) -> None:
        "The victim is released, and then the blocks exchange their slots."
        require("the copy is sent", self.stage == Stage.COPYING)
        p = self.pair.front
        self.put_back(p.victim)
        self.exchange(p.victim, p.spare)
        self.stage = Stage.RELEASED


BUG = Bug(
    id="s1-2-early-release",
    row="S1.2",
    design="offload",
    machine=ReleaseBeforeSwap,
    source="order of steps in TensorRT-LLM getFreeBlock (PR #12834), one step moved",
    sentence="The victim is released before the swap, so it is queued as primary while it sits in "
    "host memory.",
    breaks=(
        "free_and_taken_add_up",
        "queued_at_its_level",
        "taken_is_not_free",
        "used_count_is_not_negative",
        "allocate",
    ),
    sizes={"P": 1, "S": 1},
)
