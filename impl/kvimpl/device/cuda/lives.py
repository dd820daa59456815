"""The lives of a CUDA device's buffers, and when memory goes back to whoever gave it.

It decides that: only when everything enqueued on the buffer before its `free` has completed. The
idea: torch's pinned allocator knows of copies and not of kernels, CuPy's of nothing, and the
driver's free says only that it may wait; so each use notes its stream here, `free` records an event
in each noted stream, and the memory is kept until those events are done. A manager may not count on
it: on the simulated device the same mistake is found.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING

from kvimpl.device.cuda.runtime import Piece, Pieces
from kvimpl.device.port.errors import ForeignHandle, StaleHandle
from kvimpl.device.port.findings import SourceLine
from kvimpl.device.port.values import Buffer, Space

if TYPE_CHECKING:
    from kvimpl.device.cuda.order import Recording


@dataclass(eq=False, slots=True)
class Life:
    """What the device knows of one buffer."""

    owner: Lives
    piece: Piece
    made_at: SourceLine
    used_on: set[int] = field(default_factory=set)
    is_live: bool = True


class Lives:
    """All buffers of one device."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._numbers = count(1)
        self._live: dict[int, Buffer] = {}
        self._retired: deque[tuple[Piece, list[Recording]]] = deque()
        self._lock = Lock()

    def begin(self, nbytes: int, space: Space, label: str, made_at: SourceLine) -> Buffer:
        """A new buffer. Raises: CudaError."""
        make: dict[Space, Callable[[int], Piece]] = {
            Space.DEVICE: self._pieces.device_memory,
            Space.PINNED: self._pieces.pinned_memory,
            Space.PAGEABLE: self._pieces.pageable_memory,
        }
        life = Life(self, make[space](nbytes), made_at)
        number = next(self._numbers)
        buffer = Buffer(number, number, 1, space, nbytes, label, life)
        self._live[number] = buffer
        return buffer

    def end(self, buffer: Buffer, recordings: list[Recording]) -> None:
        """The buffer's life is over; its memory goes back when the recordings are done."""
        life = self.live(buffer)
        life.is_live = False
        del self._live[buffer.number]
        with self._lock:
            self._retired.append((life.piece, recordings))

    def give_back(self) -> None:
        """Give back what nothing uses any more. Raises: CudaError."""
        with self._lock:
            for _ in range(len(self._retired)):
                piece, recordings = self._retired.popleft()
                if all(recording.is_done() for recording in recordings):
                    self._pieces.release(piece)
                else:
                    self._retired.append((piece, recordings))

    @property
    def kept_count(self) -> int:
        """How many pieces of freed memory are still used."""
        return len(self._retired)

    def live(self, buffer: Buffer) -> Life:
        """The life that a handle names, not over. Raises: ForeignHandle, StaleHandle."""
        life = buffer.token
        if not isinstance(life, Life) or life.owner is not self:
            raise ForeignHandle(
                f"{buffer} is not a buffer of this device. Its handle was made by another device, "
                "or by hand. Use the handle that alloc returned."
            )
        if not life.is_live:
            raise StaleHandle(
                f"{buffer}, made at {life.made_at}, was freed. Its memory may belong to someone "
                "else by now. Use the handle of the present buffer, or free later."
            )
        return life

    def all_live(self) -> tuple[Buffer, ...]:
        """Buffers that were not freed, by age."""
        return tuple(self._live.values())
