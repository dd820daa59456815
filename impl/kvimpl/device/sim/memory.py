"""Simulated memory: the bytes, the lives that they have, and who may still use them.

It decides what exists; when memory is given out again is the pinned allocator's decision. Freed
bytes are poisoned, and a life that is over stays known, so that late use is told from none.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from kvimpl.device.port.errors import ForeignHandle, OutOfMemory, StaleHandle
from kvimpl.device.port.values import Buffer, Space
from kvimpl.device.sim.clocks import Seen, Shadow
from kvimpl.device.sim.options import POISON, UNWRITTEN


class Stage(Enum):
    """`RETIRED`: freed by its user, but not yet to be given out again by the allocator."""

    LIVE = "live"
    RETIRED = "retired"
    OVER = "over"


# Looked up once: in Python 3.11 a member of an enum costs as much as a call.
LIVE = Stage.LIVE


class Block:
    """Bytes that may have several lives, one after the other."""

    __slots__ = ("bytes", "generation", "number", "shadow", "thing")

    def __init__(self, number: int, nbytes: int) -> None:
        self.number = number
        self.bytes = memoryview(bytearray([UNWRITTEN]) * nbytes)
        self.generation = 0
        self.shadow = Shadow()
        self.thing = f"memory {number}"

    def poison(self) -> None:
        """Make late readers visible in the data."""
        self.bytes[:] = bytes([POISON]) * len(self.bytes)


class Life:
    """What the device knows of one buffer."""

    __slots__ = ("block", "buffer", "ended", "held_by", "noted", "owner", "stage")

    def __init__(
        self, owner: Lives, number: int, nbytes: int, space: Space, label: str, block: Block
    ):
        self.owner = owner
        self.block = block
        self.buffer = Buffer(number, block.number, block.generation, space, nbytes, label, self)
        self.stage = Stage.LIVE
        self.noted: list[str] = []
        self.ended: Seen | None = None
        self.held_by = 0


class Lives:
    """All buffers of one device, live or over."""

    def __init__(self, capacity: dict[Space, int]) -> None:
        self._capacity = capacity
        self._used = dict.fromkeys(Space, 0)
        self._live: dict[int, Life] = {}
        self._life_count = 0
        self._block_count = 0

    def block(self, nbytes: int, space: Space) -> Block:
        """Bytes that nobody has had before. Raises: OutOfMemory."""
        limit = self._capacity.get(space)
        if limit is not None and self._used[space] + nbytes > limit:
            raise OutOfMemory(
                f"{nbytes} bytes of {space.value} memory were asked for, {self._used[space]} of "
                f"{limit} are in use. The pool is larger than the memory, or buffers are kept. "
                "Ask for less, or free first."
            )
        self._used[space] += nbytes
        self._block_count += 1
        return Block(self._block_count, nbytes)

    def give_back(self, block: Block, space: Space) -> None:
        """The bytes no longer count as in use."""
        self._used[space] -= len(block.bytes)

    def begin(self, block: Block, nbytes: int, space: Space, label: str) -> Life:
        """The next life of the block."""
        block.generation += 1
        self._life_count += 1
        life = Life(self, self._life_count, nbytes, space, label, block)
        self._live[self._life_count] = life
        return life

    def end(self, life: Life, seen: Seen) -> None:
        """The user has freed it."""
        life.stage = Stage.RETIRED
        life.ended = seen
        del self._live[life.buffer.number]

    def of(self, buffer: Buffer) -> Life:
        """The life that a handle names, over or not. Raises: ForeignHandle."""
        life = buffer.token
        if not isinstance(life, Life) or life.owner is not self:
            raise ForeignHandle(
                f"{buffer} is not a buffer of this device. Its handle was made by another device, "
                "or by hand. Use the handle that alloc returned."
            )
        return life

    def live(self, buffer: Buffer) -> Life:
        """The life that a handle names, which is not over. Raises: ForeignHandle, StaleHandle."""
        life = self.of(buffer)
        if life.stage is not LIVE:
            assert life.ended is not None
            raise StaleHandle(
                f"{buffer} is over: it was freed at step {life.ended.step} "
                f"({life.ended.place.file}:{life.ended.place.line}). Its memory may belong to "
                "someone else by now. Use the handle of the present buffer, or free later."
            )
        return life

    def __iter__(self) -> Iterator[Life]:
        """All that are live, by age."""
        return iter(tuple(self._live.values()))
