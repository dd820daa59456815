"""S1.5: a queued block is pinned where it stands, and the unpin releases it a second time."""

from __future__ import annotations

from kvimpl.bugs.bug import Bug, Evidence
from kvimpl.bugs.unchecked import UncheckedPool
from kvspec.events import BlockId, Pin, PinId


class PinWithoutClaim(UncheckedPool):
    """Pin counts the reference and leaves the block in its queue."""

    def pin(self, b: BlockId, pin: PinId) -> None:
        self.pins[b] += 1
        self.refs[b] += 1
        if self.reporter is not None:
            self.reporter.report(Pin(b, pin, self.slot[b]), self)


BUG = Bug(
    id="s1-5",
    row="S1.5",
    design="tiers",
    source="TensorRT-LLM storeBlocks, whose comment forbids it; likely part of issue #11879",
    sentence="A pinned block stays queued: it is handed out while it is read, then queued twice.",
    evidence=Evidence.STEP,
    pool=PinWithoutClaim,
)
