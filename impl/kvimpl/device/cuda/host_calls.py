"""Host functions in stream order: what CUDA calls back, and what becomes of their exceptions.

It decides that an exception of a host function is the device's failure, met at a later call. The
idea: CUDA is given one C function for the device's whole life and a number to say which call it is,
so no callback can be collected while CUDA still holds it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from itertools import count

from kvimpl.device.port.values import Bytes

_CALLED = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class RawBytes:
    """Bytes at an address, for the length of one host function: see the port's `Bytes`."""

    def __init__(self, address: int, nbytes: int) -> None:
        self._place = memoryview((ctypes.c_ubyte * nbytes).from_address(address)).cast("B")

    @property
    def nbytes(self) -> int:
        """The length of the view."""
        return self._place.nbytes

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        """A copy of the bytes as they are now."""
        return bytes(self._place[start:stop])

    def write(self, data: bytes, start: int = 0) -> None:
        """Change the bytes from start on."""
        self._place[start : start + len(data)] = data


class HostCalls:
    """The host functions of one device that CUDA has not called yet."""

    def __init__(self) -> None:
        self._waiting: dict[int, Callable[[], None]] = {}
        self._numbers = count(1)
        self._called = _CALLED(self._run)
        self.failure: Exception | None = None

    @property
    def address(self) -> int:
        """The C function to give to CUDA."""
        return ctypes.cast(self._called, ctypes.c_void_p).value or 0

    def add(
        self, function: Callable[[Sequence[Bytes]], None], touches: Sequence[tuple[int, int]]
    ) -> int:
        """The number to give to CUDA for this call; `touches` are addresses and lengths."""
        number = next(self._numbers)

        def call() -> None:
            function([RawBytes(address, nbytes) for address, nbytes in touches])

        self._waiting[number] = call
        return number

    def forget(self, number: int) -> None:
        """CUDA refused the call."""
        del self._waiting[number]

    def _run(self, number: int) -> None:
        try:
            self._waiting.pop(number)()
        except Exception as error:  # kept for the next call of the device, which raises it
            self.failure = self.failure or error
