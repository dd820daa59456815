"""KV-INV-10: a release forgets the reference count."""

from __future__ import annotations

from kvimpl.blocks.pool import BlockPool
from kvimpl.bugs.bug import Bug, Evidence
from kvspec.events import BlockId, RequestId


class ReferenceKept(BlockPool):
    """The holder goes, the reference stays."""

    def release(self, b: BlockId, r: RequestId) -> None:
        self.refs[b] += 1
        super().release(b, r)


BUG = Bug(
    id="inv-10-kept-reference",
    row="KV-INV-10",
    design="tiers",
    source="TensorRT-LLM decRefCount, left out on one path",
    sentence="The block is counted as in use for ever.",
    evidence=Evidence.STEP,
    pool=ReferenceKept,
)
