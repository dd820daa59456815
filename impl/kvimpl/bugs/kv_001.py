"""KV-001: a free block is hit and stays in its queue."""

from __future__ import annotations

from kvimpl.bugs.bug import Bug, Evidence
from kvimpl.bugs.unchecked import UncheckedPool
from kvspec.events import BlockId, Key, RequestId, Reuse


class ReuseWithoutClaim(UncheckedPool):
    """Reuse counts the reference and leaves the block where it is."""

    def reuse(self, b: BlockId, r: RequestId, key: Key) -> None:
        self.hold(b, r)
        if self.reporter is not None:
            self.reporter.report(Reuse(b, r, key), self)


BUG = Bug(
    id="kv-001",
    row="KV-001",
    design="tiers",
    source="TensorRT-LLM PR #12667 (issue #12560)",
    sentence="A block that is held stays queued, and its release makes a second entry.",
    evidence=Evidence.STEP,
    pool=ReuseWithoutClaim,
)
