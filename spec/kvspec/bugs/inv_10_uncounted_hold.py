"""KV-INV-10: a request holds a block and the reference count does not say so."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.pins import Block, PinnedPool


class HoldWithoutCount(PinnedPool):
    """Hold forgets the count."""

    def hold(self, b: Block) -> None:
        self.held[b] = True


BUG = Bug(
    id="inv-10-uncounted-hold",
    row="KV-INV-10",
    design="pins",
    machine=HoldWithoutCount,
    source="TensorRT-LLM incRef, left out on one path",
    sentence="The count of a held block is 0, so the last unpin queues it under its holder.",
    breaks=(
        "references_counted",
        "pin",
        "release",
    ),
    sizes={"P": 1, "S": 1},
)
