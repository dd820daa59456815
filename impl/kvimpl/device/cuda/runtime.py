"""What the CUDA device asks of CUDA, so that torch and the bare driver can both answer.

It decides no order and no lifetime; `device` does. Streams and events are the runtime's own
objects, which nobody else looks into. Each call raises `CudaError` where CUDA returns an error, and
what CUDA says of an earlier call's work may come out of any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

StreamObject: TypeAlias = Any  # torch.cuda.Stream, or cuda.bindings' CUstream
EventObject: TypeAlias = Any  # torch.cuda.Event, or cuda.bindings' CUevent


@dataclass(frozen=True, slots=True)
class Piece:
    """Memory that the runtime gave: where it begins, and what keeps it alive."""

    address: int
    nbytes: int
    keeps: Any  # a torch tensor, a ctypes buffer, or nothing


class Pieces(Protocol):
    """Memory, as CUDA gives it out and takes it back: nothing here waits for work."""

    def device_memory(self, nbytes: int) -> Piece:
        """Device memory."""

    def pinned_memory(self, nbytes: int) -> Piece:
        """Host memory that is page-locked and mapped."""

    def pageable_memory(self, nbytes: int) -> Piece:
        """Host memory of the ordinary kind."""

    def release(self, piece: Piece) -> None:
        """Take it back; nothing enqueued may still use it."""


class Streams(Protocol):
    """Streams, and the number by which every library of a process knows them."""

    def legacy(self) -> StreamObject:
        """CUDA's default stream."""

    def stream(self, *, blocking: bool) -> StreamObject:
        """A new stream."""

    def handle(self, stream: StreamObject) -> int:
        """Its `CUstream`, as a number; 0 is the legacy one."""

    def is_idle(self, stream: StreamObject) -> bool:
        """Whether all that was put into the stream has completed."""


class Events(Protocol):
    """Events, recorded once each between two uses of them."""

    def event(self) -> EventObject:
        """A new event."""

    def record(self, event: EventObject, stream: StreamObject) -> None:
        """It holds what is in the stream now."""

    def wait(self, stream: StreamObject, event: EventObject) -> None:
        """Work put into the stream from now on comes after what the event holds now."""

    def is_done(self, event: EventObject) -> bool:
        """Whether what it holds has completed."""

    def await_done(self, event: EventObject) -> None:
        """Return when what it holds has completed."""


class Transfers(Protocol):
    """Enqueued work on pieces; the ends of a copy are ranges of bytes of one length."""

    def copy(
        self, to: Piece, to_start: int, source: Piece, start: int, nbytes: int, stream: StreamObject
    ) -> None:
        """Copy without waiting."""

    def fill(self, to: Piece, start: int, nbytes: int, byte: int, stream: StreamObject) -> None:
        """Set every byte."""

    def host_function(self, stream: StreamObject, function: int, data: int) -> None:
        """Have the C function at this address called with `data`, in stream order."""


class Runtime(Pieces, Streams, Events, Transfers, Protocol):
    """All of it, on one device."""

    def enter_thread(self) -> None:
        """Make the device the calling thread's own; cheap where it is already."""

    def close(self) -> None:
        """Give streams and events back; all work has completed."""
