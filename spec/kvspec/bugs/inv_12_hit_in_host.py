"""KV-INV-12: a hit in host memory is held where it is."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.retention import Block, RetentionPool


class HitInHostMemory(RetentionPool):
    """Reuse does not look at the level."""

    @action
    def reuse(self, b: Block) -> None:
        "A request hits a free block, wherever it is."
        require("it is free", self.is_queued(b))
        self.claim(b)
        self.held[b] = True


BUG = Bug(
    id="inv-12-hit-in-host",
    row="KV-INV-12",
    design="retention",
    machine=HitInHostMemory,
    source="TensorRT-LLM claimBlock of a match that was not onboarded",
    sentence="A request holds a block that the device cannot address.",
    breaks=("held_in_primary",),
    sizes={"P": 1, "S": 1},
)
