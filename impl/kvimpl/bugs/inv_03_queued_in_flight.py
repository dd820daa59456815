"""KV-INV-03: the victim is free while its copy is still under way."""

from __future__ import annotations

from kvimpl.blocks.pool import BlockPool
from kvimpl.blocks.settings import Keep
from kvimpl.bugs.bug import Bug, Evidence
from kvspec.events import BlockId, RequestId, Stream


class ReleasedInFlight(BlockPool):
    """A block is idle as soon as nobody holds it, and the swap puts the victim back."""

    def is_idle(self, b: BlockId) -> bool:
        return self.refs[b] == 0 and not self.queues.holds(b)

    def hand_out(self, b: BlockId, r: RequestId, keep: Keep) -> None:
        super().hand_out(b, r, keep)
        for sent in self.copies.pending[Stream.OFFLOAD]:
            self.release_if_idle(self.block_in[sent.target])


BUG = Bug(
    id="inv-03-queued-in-flight",
    row="KV-INV-03",
    design="tiers",
    source="TensorRT-LLM getFreeBlock releases the victim when its copy is enqueued",
    sentence="A block is free while a copy still writes its slot, so both can be handed out.",
    evidence=Evidence.STEP,
    pool=ReleasedInFlight,
)
