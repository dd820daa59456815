"""S1.5: a queued block is pinned where it stands, and the unpin releases it a second time."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.pins import PINS, REFS, Block, PinnedPool


class PinWithoutClaim(PinnedPool):
    """Pin counts the reference and leaves the block in its queue."""

    @action
    def pin(self, b: Block) -> None:
        "The reader holds a block, queued or not, and is told where it is."
        require("the pin fits its counter", self.pins[b] < PINS)
        require("the reference fits its counter", self.refs[b] < REFS)
        self.refs[b] += 1
        self.pins[b] += 1
        self.read_at[b] = self.slot[b]


BUG = Bug(
    id="s1-5",
    row="S1.5",
    design="pins",
    machine=PinWithoutClaim,
    source="TensorRT-LLM storeBlocks, whose comment forbids it; likely part of issue #11879",
    sentence="A pinned block stays queued: it is handed out while it is read, then queued twice.",
    breaks=(
        "queued_is_unreferenced",
        "pinned_slots_stay_put",
        "unpin",
        "allocate",
        "offload",
    ),
    sizes={"P": 1, "S": 1},
)
