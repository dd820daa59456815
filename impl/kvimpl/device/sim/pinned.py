"""How pinned memory is given out again: three allocators, as their sources have it.

They decide when bytes get a new life; whether that was too early is found by the watch.

- plain: `cudaHostAlloc` and `cudaFreeHost` a call; the free does not wait.
- torch (CachingHostAllocator, 2.13): a copy notes its stream on the block; at `free` an event is
  recorded in each noted stream; the block returns when all have completed, and at once if no stream
  was noted. A kernel notes nothing. Events are looked at oldest first, up to the first that is not
  ready; free lists are by power of two, last in first out, so a fresh buffer is the last freed one.
- CuPy (PinnedMemoryPool): no stream is noted at all.

When memory is short the last two let go of what they keep for later, as CuPy's does.
"""

from __future__ import annotations

from collections import deque

from kvimpl.device.port.errors import OutOfMemory
from kvimpl.device.port.values import Space
from kvimpl.device.sim.memory import Block, Life, Lives
from kvimpl.device.sim.options import PinnedAllocator
from kvimpl.device.sim.queues import Work


class PinnedPool:
    """The pinned memory of one device."""

    def __init__(self, rules: PinnedAllocator, lives: Lives) -> None:
        self._rules = rules
        self._lives = lives
        self._free: dict[int, list[Block]] = {}
        self._retired: deque[tuple[Work, Life]] = deque()
        self._waits: dict[int, int] = {}

    def outlook(self) -> tuple[list[Work], list[Life]]:
        """The recordings that would be looked at now, and the lives that would come back."""
        looked: list[Work] = []
        back: list[Life] = []
        left: dict[int, int] = {}
        for work, life in self._retired:
            looked.append(work)
            if not work.done:
                break
            number = life.buffer.number
            left[number] = left.get(number, self._waits[number]) - 1
            if not left[number]:
                back.append(life)
        return looked, back

    def take(self, nbytes: int) -> Block:
        """Bytes for a new life, perhaps those of an old one. Raises: OutOfMemory."""
        if self._rules is PinnedAllocator.PLAIN:
            return self._lives.block(nbytes, Space.PINNED)
        size = 1 << (nbytes - 1).bit_length()
        kept = self._free.get(size)
        if kept:
            return kept.pop()
        try:
            return self._lives.block(size, Space.PINNED)
        except OutOfMemory:
            self._let_go()
            return self._lives.block(size, Space.PINNED)

    def note(self, life: Life, stream: str) -> None:
        """A copy on the stream uses the buffer."""
        if self._rules is PinnedAllocator.TORCH and stream not in life.noted:
            life.noted.append(stream)

    def put(self, life: Life) -> None:
        """The bytes may have their next life."""
        if self._rules is PinnedAllocator.PLAIN:
            self._lives.give_back(life.block, Space.PINNED)
        else:
            self._free.setdefault(len(life.block.bytes), []).append(life.block)

    def retire(self, life: Life, recordings: list[Work]) -> None:
        """The bytes wait for the recordings."""
        self._waits[life.buffer.number] = len(recordings)
        self._retired.extend((recording, life) for recording in recordings)

    def _let_go(self) -> None:
        """Memory is short: nothing is kept for later."""
        for block in (block for kept in self._free.values() for block in kept):
            self._lives.give_back(block, Space.PINNED)
        self._free.clear()

    def process(self) -> list[Work]:
        """Let the recordings go that have completed, up to the first that has not."""
        completed = []
        while self._retired and self._retired[0][0].done:
            work, life = self._retired.popleft()
            completed.append(work)
            self._waits[life.buffer.number] -= 1
            if not self._waits[life.buffer.number]:
                del self._waits[life.buffer.number]
        return completed
