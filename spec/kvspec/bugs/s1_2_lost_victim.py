"""S1.2: the victim of an offload is never put on the secondary queue."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.offload import OffloadSteps, Stage


class VictimNeverReleased(OffloadSteps):
    """After the swap nothing releases the victim."""

    @action
    def release_victim(self) -> None:
        "The victim is forgotten."
        require("the slots are exchanged", self.stage == Stage.SWAPPED)
        self.stage = Stage.RELEASED


BUG = Bug(
    id="s1-2-lost-victim",
    row="S1.2",
    design="offload",
    machine=VictimNeverReleased,
    source="TensorRT-LLM #12892 and #13029: claimed blocks that nobody released",
    sentence="The victim stays claimed for ever, and host memory shrinks by a block an offload.",
    breaks=(
        "chosen_are_queued",
        "nothing_is_lost",
    ),
    sizes={"P": 1, "S": 1},
)
