"""S1.1: the blocks are claimed after their slots were exchanged."""

from __future__ import annotations

from kvimpl.blocks.settings import Keep
from kvimpl.bugs.bug import Bug, Evidence
from kvimpl.bugs.unchecked import UncheckedPool
from kvspec.events import BlockId, OffloadAllocate, RequestId, Stream


class ClaimAfterSwap(UncheckedPool):
    """Transfer, swap, and only then claim: each claim tells the other level's counter."""

    def offload_allocate(
        self, victim: BlockId, spare: BlockId, r: RequestId, keep: Keep
    ) -> BlockId:
        copy = self.send(Stream.OFFLOAD, victim, spare).copy
        self.swap(victim, spare)
        self.claim(victim)
        self.claim(spare)
        self.hand_out(spare, r, keep)
        if self.reporter is not None:
            generation = self.generations[spare]
            step = OffloadAllocate(r, Stream.OFFLOAD, spare, victim, copy, generation)
            self.reporter.report(step, self)
        return spare


BUG = Bug(
    id="s1-1",
    row="S1.1",
    design="tiers",
    source="TensorRT-LLM issue #11879, mended by PR #12834",
    sentence="Blocks are claimed after the swap, so each is looked for in the other level's queue.",
    evidence=Evidence.PART,
    pool=ClaimAfterSwap,
)
