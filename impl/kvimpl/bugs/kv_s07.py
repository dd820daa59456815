"""KV-S07: the oldest block is looked up before the lock is taken."""

from __future__ import annotations

from kvimpl.blocks.handles import BlockHandle
from kvimpl.blocks.manager import BlockManager
from kvimpl.blocks.settings import Keep
from kvimpl.bugs.bug import Bug, Evidence, Needs
from kvimpl.bugs.unchecked import UncheckedPool
from kvspec.events import Level, RequestId


class PeekThenClaim(BlockManager):
    """Allocate peeks without the lock, and claims what it saw; a reader may pin it in between."""

    def allocate(self, request: RequestId, *, keep: Keep | None = None) -> BlockHandle:
        wanted = keep or Keep(priority=self.settings.default_priority)
        peeked = self._pool.queues.front(Level.PRIMARY)
        if peeked is None:
            return super().allocate(request, keep=keep)
        with self._entered():
            self._check_step("allocate")
            self._pool.allocate(peeked, request, wanted)
            return self._add(request, peeked)


BUG = Bug(
    id="kv-s07",
    row="KV-S07",
    design="tiers",
    source="TensorRT-LLM fork PR #3, commit 3: atomic claimFreeBlock replaces peek and claim",
    sentence="A block that a reader has just pinned is handed out to a request.",
    evidence=Evidence.STEP,
    pool=UncheckedPool,
    manager=PeekThenClaim,
    needs=frozenset({Needs.THREADS}),
)
