"""KV-INV-56: the copy is enqueued after the swap, so it runs from the new slot to the old one."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.offload import Copy, OffloadSteps, Stage


class CopiedBackwards(OffloadSteps):
    """Transfer takes the slots that the blocks will have."""

    @action
    def transfer(self) -> None:
        "The copy runs from the spare's slot to the victim's."
        require("both blocks are claimed", self.stage == Stage.BOTH_CLAIMED)
        p = self.pair.front
        self.copy.push(Copy(src=self.slot[p.spare], dst=self.slot[p.victim]))
        self.stage = Stage.COPYING


BUG = Bug(
    id="inv-56-backwards",
    row="KV-INV-56",
    design="offload",
    machine=CopiedBackwards,
    source="TensorRT-LLM offload takes physical slots and must be called before the swap",
    sentence="The victim's bytes are overwritten by whatever the host slot held.",
    breaks=(
        "copy_is_the_pair_s",
        "bytes_follow_their_block",
    ),
    sizes={"P": 1, "S": 1},
)
