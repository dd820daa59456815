"""KV-INV-56: the copy runs the wrong way."""

from __future__ import annotations

from kvimpl.blocks.copies import Sent
from kvimpl.blocks.pool import BlockPool
from kvimpl.bugs.bug import Bug, Evidence
from kvspec.events import BlockId, Stream


class CopiedBackwards(BlockPool):
    """Offload takes the slots that the blocks will have, so the host slot's bytes come up."""

    def send(self, stream: Stream, source: BlockId, target: BlockId) -> Sent:
        if stream is Stream.OFFLOAD:
            source, target = target, source
        return super().send(stream, source, target)


BUG = Bug(
    id="inv-56-backwards",
    row="KV-INV-56",
    design="tiers",
    source="TensorRT-LLM offload takes physical slots and must be called before the swap",
    sentence="The victim's bytes are overwritten by whatever the host slot held.",
    evidence=Evidence.STEP,
    pool=CopiedBackwards,
)
