"""KV-INV-57: one placeholder fills several holes."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.window import Block, Kind, Request, WindowPool


class PlaceholderShared(WindowPool):
    """Sliding takes any placeholder."""

    @action
    def slide(self, r: Request, b: Block, hole: Block) -> None:
        "A table entry falls out of the window, and a placeholder takes its place."
        require("the sequence holds it", r in self.holders[b])
        require("the other is a placeholder", self.kind[hole] == Kind.PLACEHOLDER)
        self.holders[b].discard(r)
        self.holders[hole].add(r)
        self.release_if_unused(b)


BUG = Bug(
    id="inv-57-shared-hole",
    row="KV-INV-57",
    design="window",
    machine=PlaceholderShared,
    source="TensorRT-LLM detachFrontBlock, which makes a fresh placeholder for each hole",
    sentence="Two table entries are one placeholder, and letting go of one loses the other.",
    breaks=("one_hole_each",),
)
