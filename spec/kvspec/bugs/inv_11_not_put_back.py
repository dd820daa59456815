"""KV-INV-11: a request lets go of a block and nobody queues it."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.retention import Block, RetentionPool


class ReleasedAndForgotten(RetentionPool):
    """Release does not put the block back."""

    @action
    def release(self, b: Block) -> None:
        "A request lets go of a block, and that is all."
        require("it is held", self.held[b])
        self.held[b] = False


BUG = Bug(
    id="inv-11-not-put-back",
    row="KV-INV-11",
    design="retention",
    machine=ReleasedAndForgotten,
    source="TensorRT-LLM #13029: claimed blocks that nobody released were lost",
    sentence="The block is neither held nor free, and the pool shrinks.",
    breaks=(
        "favours_end",
        "queued_iff_not_held",
    ),
    sizes={"P": 1, "S": 1},
)
