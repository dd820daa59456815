"""KV-002: a block that is not held is released once more, and appended once more."""

from __future__ import annotations

from kvimpl.blocks.handles import BlockHandle
from kvimpl.blocks.manager import BlockManager
from kvimpl.bugs.bug import Bug, Evidence
from kvimpl.bugs.unchecked import UncheckedPool
from kvspec.events import RequestId


class ReleasesUnasked(BlockManager):
    """Release does not look whether the request holds the block."""

    def release(self, handle: BlockHandle, request: RequestId) -> None:
        with self._entered():
            block = self._checked(handle)
            if request in self._pool.holders[block]:
                self._release(block, request)
            else:
                self._pool.put_back(block)


BUG = Bug(
    id="kv-002",
    row="KV-002",
    design="tiers",
    source="vLLM issue #42571 (#42612, #42615); kin: vLLM #3347",
    sentence="A second release queues the block twice, and the free count goes beyond the pool.",
    evidence=Evidence.STEP,
    pool=UncheckedPool,
    manager=ReleasesUnasked,
)
