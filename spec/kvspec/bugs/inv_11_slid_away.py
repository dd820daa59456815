"""KV-INV-11: a block that falls out of the window is not released."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.window import Block, Kind, Request, WindowPool


class SlidAway(WindowPool):
    """Sliding forgets the old block."""

    @action
    def slide(self, r: Request, b: Block, hole: Block) -> None:
        "A table entry falls out of the window, and nobody looks after it."
        require("the sequence holds it", r in self.holders[b])
        require("the other is a placeholder", self.kind[hole] == Kind.PLACEHOLDER)
        require("it fills no hole yet", len(self.holders[hole]) == 0)
        self.holders[b].discard(r)
        self.holders[hole].add(r)


BUG = Bug(
    id="inv-11-slid-away",
    row="KV-INV-11",
    design="window",
    machine=SlidAway,
    source="TensorRT-LLM #15018: blocks left allocated and untracked",
    sentence="The pool shrinks by a block whenever a window slides.",
    breaks=("unused_is_queued",),
)
