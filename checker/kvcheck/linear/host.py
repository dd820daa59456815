"""This machine as a device: real threads and locks, and work that is done when its call returns.

It decides nothing about streams: doing everything at once is one of the orders that any device may
choose. It is for histories of threads, where nobody looks at the order of copies; other orders are
the simulated device's. The idea: the CUDA device keeps the port's promises on whatever runtime it
is given, so only the runtime is written anew, on ordinary memory.
"""

from __future__ import annotations

import ctypes

from kvimpl.device.cuda import CudaDevice
from kvimpl.device.cuda.launching import Launcher, Packed
from kvimpl.device.cuda.runtime import EventObject, Piece, StreamObject
from kvimpl.device.kernels import KernelSource
from kvimpl.device.port import Refused


class HostRuntime:
    """Ordinary memory; streams and events are never behind."""

    def device_memory(self, nbytes: int) -> Piece:
        """Ordinary memory."""
        place = (ctypes.c_ubyte * nbytes)()
        return Piece(ctypes.addressof(place), nbytes, place)

    def pinned_memory(self, nbytes: int) -> Piece:
        """Ordinary memory."""
        return self.device_memory(nbytes)

    def pageable_memory(self, nbytes: int) -> Piece:
        """Ordinary memory."""
        return self.device_memory(nbytes)

    def release(self, piece: Piece) -> None:
        """Python takes it back when nothing refers to it."""

    def legacy(self) -> StreamObject:
        """A stream like any other."""
        return object()

    def stream(self, *, blocking: bool) -> StreamObject:
        """A new one."""
        return object()

    def handle(self, stream: StreamObject) -> int:
        """No library knows it."""
        return id(stream)

    def is_idle(self, stream: StreamObject) -> bool:
        """Always."""
        return True

    def event(self) -> EventObject:
        """A new one."""
        return object()

    def record(self, event: EventObject, stream: StreamObject) -> None:
        """All that was before it is done."""

    def wait(self, stream: StreamObject, event: EventObject) -> None:
        """There is nothing to wait for."""

    def is_done(self, event: EventObject) -> bool:
        """Always."""
        return True

    def await_done(self, event: EventObject) -> None:
        """It is."""

    def copy(
        self, to: Piece, to_start: int, source: Piece, start: int, nbytes: int, stream: StreamObject
    ) -> None:
        """Copy at once."""
        ctypes.memmove(to.address + to_start, source.address + start, nbytes)

    def fill(self, to: Piece, start: int, nbytes: int, byte: int, stream: StreamObject) -> None:
        """Set at once."""
        ctypes.memset(to.address + start, byte, nbytes)

    def host_function(self, stream: StreamObject, function: int, data: int) -> None:
        """Call at once."""
        ctypes.CFUNCTYPE(None, ctypes.c_void_p)(function)(data)

    def enter_thread(self) -> None:
        """Every thread may use it."""

    def close(self) -> None:
        """There is nothing to give back."""


class _NoKernels:
    def launch(self, source: KernelSource, call: Packed, stream: int) -> None:
        raise Refused(
            f"The kernel {source.entry} cannot run on the host device. It has no compiled code for "
            "this processor. Use the simulated device, or a GPU."
        )


def host_device() -> CudaDevice:
    """A new device; its name in findings is CUDA's, whose class it is."""
    launcher: Launcher = _NoKernels()
    return CudaDevice(HostRuntime(), launcher, watchdog=None)
