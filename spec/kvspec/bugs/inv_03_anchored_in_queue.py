"""KV-INV-03: a free block is pinned where it stands, as in S1.5."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action
from kvspec.models.window import Block, WindowPool


class AnchoredInTheQueue(WindowPool):
    """Anchoring does not ask whether the block is in use."""

    @action
    def anchor(self, b: Block) -> None:
        "Any block is pinned, free or in use."
        self.anchored[b] = True


BUG = Bug(
    id="inv-03-anchored-in-queue",
    row="KV-INV-03",
    design="window",
    machine=AnchoredInTheQueue,
    source="TensorRT-LLM storeBlocks claims an unreferenced block before it pins it",
    sentence="A pinned block is in the free queue, and its unpin queues it twice.",
    breaks=(
        "queued_is_unused",
        "unanchor",
    ),
)
