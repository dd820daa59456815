"""KV-017: where no block is free, one that is cached is freed, whoever reads it."""

from __future__ import annotations

from kvimpl.blocks.handles import BlockHandle
from kvimpl.blocks.manager import BlockManager
from kvimpl.blocks.settings import Keep
from kvimpl.bugs.bug import Bug, Evidence
from kvimpl.bugs.unchecked import UncheckedPool
from kvspec.events import BlockId, Level, RequestId


class EvictsWhatIsRead(BlockManager):
    """Eviction looks for content that no request holds, and puts its block back itself."""

    def allocate(self, request: RequestId, *, keep: Keep | None = None) -> BlockHandle:
        with self._entered():
            self._check_step("allocate")
            victim = self._victim()
            if self._pool.queues.front(Level.PRIMARY) is None and victim is not None:
                self._pool.put_back(victim)
        return super().allocate(request, keep=keep)

    def _victim(self) -> BlockId | None:
        pool = self._pool
        cached = [block for block in pool.block_of.values() if pool.is_at_hand(block)]
        return next((block for block in cached if not pool.holders[block]), None)


BUG = Bug(
    id="kv-017",
    row="KV-017",
    design="tiers",
    source="LMCache PR #3130: batched eviction called the allocator and not the reference count",
    sentence="A block that a reader has pinned is handed out, and written while it is read.",
    evidence=Evidence.STEP,
    pool=UncheckedPool,
    manager=EvictsWhatIsRead,
)
