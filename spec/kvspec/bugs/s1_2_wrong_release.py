"""S1.2: the block is renamed a line too early, and the spare is released in the victim's place."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.offload import OffloadSteps, Stage


class SpareReleased(OffloadSteps):
    """The release gets the block that is about to be handed out."""

    @action
    def release_victim(self) -> None:
        "The spare enters the queue of the level that it has now."
        require("the slots are exchanged", self.stage == Stage.SWAPPED)
        self.put_back(self.pair.front.spare)
        self.stage = Stage.RELEASED


BUG = Bug(
    id="s1-2-wrong-release",
    row="S1.2",
    design="offload",
    machine=SpareReleased,
    source="TensorRT-LLM getFreeBlock, with `block = offloadBlock` before the release",
    sentence="The spare is queued as free just before it is handed out, and the victim is lost.",
    breaks=(
        "chosen_are_queued",
        "spare_is_kept_back",
        "nothing_is_lost",
    ),
    sizes={"P": 1, "S": 1},
)
