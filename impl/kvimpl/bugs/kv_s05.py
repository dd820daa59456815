"""KV-S05: the remote reader and the scheduler change the queues without a lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kvimpl.blocks import refusals
from kvimpl.blocks.manager import BlockManager
from kvimpl.bugs.bug import Bug, Evidence, Needs
from kvimpl.bugs.unchecked import UncheckedPool


class NoLock(BlockManager):
    """Every call runs as if its thread were alone."""

    @contextmanager
    def _entered(self) -> Iterator[None]:
        if self._entry.closed:
            raise refusals.closed()
        yield


BUG = Bug(
    id="kv-s05",
    row="KV-S05",
    design="tiers",
    source="TensorRT-LLM fork PR #3, layer 1: LRU structures without a mutex",
    sentence="A block is pinned while an offload has claimed it, and then moves under its reader.",
    evidence=Evidence.STEP,
    pool=UncheckedPool,
    manager=NoLock,
    needs=frozenset({Needs.THREADS}),
)
