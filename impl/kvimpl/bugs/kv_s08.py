"""KV-S08: a pin takes the block off its queue and counts itself in two critical sections."""

from __future__ import annotations

from kvimpl.blocks.handles import PinReceipt
from kvimpl.blocks.manager import BlockManager
from kvimpl.bugs.bug import Bug, Evidence, Needs
from kvimpl.bugs.unchecked import UncheckedPool
from kvspec.events import Key


class PinsInTwoSteps(BlockManager):
    """Between the two, the block is off the queue and has no reference."""

    def pin_key(self, key: Key) -> PinReceipt | None:
        with self._entered():
            block = self._pool.block_of.get(key)
            if block is None:
                return None
            if self._pool.queues.holds(block):
                self._pool.claim(block)
        with self._entered():
            return self._pin(block)


BUG = Bug(
    id="kv-s08",
    row="KV-S08",
    design="tiers",
    source="TensorRT-LLM fork PR #3: pinBlocksById and unpinBlocksById windows",
    sentence="A block that is being pinned is neither free nor referenced for a moment.",
    evidence=Evidence.STEP,
    pool=UncheckedPool,
    manager=PinsInTwoSteps,
    needs=frozenset({Needs.THREADS}),
)
