"""The host's own access to pinned and pageable memory, in place.

It decides only what the program may do with the bytes: read-only unless it declares to write, and
nothing after the block. Whether work still uses them is the program's part.
"""

from __future__ import annotations

import ctypes

from kvimpl.device.cuda.runtime import Piece
from kvimpl.device.port.values import Mode, View


class HostAccess:
    """The bytes of a view for the length of a `with` block."""

    def __init__(self, piece: Piece, view: View, mode: Mode) -> None:
        self._piece = piece
        self._view = view
        self._mode = mode
        self._bytes: memoryview | None = None

    def __enter__(self) -> memoryview:
        whole = (ctypes.c_ubyte * self._view.nbytes).from_address(
            self._piece.address + self._view.start
        )
        place = memoryview(whole).cast("B")
        self._bytes = place if self._mode.writes else place.toreadonly()
        return self._bytes

    def __exit__(self, *_: object) -> None:
        assert self._bytes is not None
        self._bytes.release()
