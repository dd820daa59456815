"""S1.2: the steps of S1.1 one by one, with both blocks still queued at the swap."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.offload import OffloadSteps, Stage


class ClaimAfterSwapInSteps(OffloadSteps):
    """The claims come after the swap; until then either block can be handed out."""

    @action
    def claim_spare(self) -> None:
        "The secondary block stays in its queue."
        require("the blocks are chosen", self.stage == Stage.PEEKED)
        self.stage = Stage.SPARE_CLAIMED

    @action
    def claim_victim(self) -> None:
        "The primary block stays in its queue."
        require("the spare is claimed", self.stage == Stage.SPARE_CLAIMED)
        self.stage = Stage.BOTH_CLAIMED

    @action
    def release_victim(self) -> None:
        "The victim is claimed, at the level that it has now, and released there."
        require("the slots are exchanged", self.stage == Stage.SWAPPED)
        victim = self.pair.front.victim
        self.claim(victim)
        self.put_back(victim)
        self.stage = Stage.RELEASED


BUG = Bug(
    id="s1-2-late-claim",
    row="S1.2",
    design="offload",
    machine=ClaimAfterSwapInSteps,
    source="TensorRT-LLM issue #11879, mended by PR #12834",
    sentence="Both blocks are queued while slots are exchanged, and then each in the wrong queue.",
    breaks=(
        "spare_is_kept_back",
        "nobody_reaches_the_swapped",
        "free_and_taken_add_up",
        "queued_at_its_level",
        "taken_is_not_free",
        "release_victim",
    ),
    sizes={"P": 1, "S": 1},
)
