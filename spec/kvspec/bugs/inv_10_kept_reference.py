"""KV-INV-10: a request lets go of its block and the count does not go down."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.tiers import Block, Request, TieredPool


class ReferenceKept(TieredPool):
    """Release forgets the reference count."""

    @action
    def release(self, b: Block, r: Request) -> None:
        "A request lets go of a block, and the count stays."
        require("the request holds it", r in self.holders[b])
        self.holders[b].discard(r)
        self.release_if_idle(b)


BUG = Bug(
    id="inv-10-kept-reference",
    row="KV-INV-10",
    design="tiers",
    machine=ReferenceKept,
    source="TensorRT-LLM decRefCount, left out on one path",
    sentence="The block is counted as in use for ever.",
    breaks=("references_counted",),
    sizes={"P": 1, "S": 1},
)
