"""KV-INV-13: the one release path does not ask what kind of block it has."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.window import Block, WindowPool


class AnythingIsReleased(WindowPool):
    """Root and placeholders enter the free queue."""

    def release_if_unused(self, b: Block) -> None:
        if self.is_unused(b):
            self.free.push(b)
            self.nfree += 1


BUG = Bug(
    id="inv-13-placeholder-freed",
    row="KV-INV-13",
    design="window",
    machine=AnythingIsReleased,
    source="TensorRT-LLM releaseBlock, without its check for the root and its skip of placeholders",
    sentence="A block without memory is handed out as if it had some.",
    breaks=(
        "only_real_blocks_are_free",
        "queued_is_unused",
        "unanchor",
        "finish",
        "one_hole_each",
    ),
)
