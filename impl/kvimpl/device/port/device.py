"""The device port: what a block manager may ask of a device, simulated or real.

It decides the calls and what they promise, not how they are kept. The idea: a call that enqueues
says nothing about when the work executes, so every byte that is touched is declared, by whoever
touches it, where it is touched; order comes only from streams, marks and waits.

Every call may also be a scheduling point: on a simulated device other host tasks and streams may
run inside it. Nothing else is one, so host code between two calls is atomic there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from kvimpl.device.port.findings import Finding
from kvimpl.device.port.values import (
    Argument,
    Buffer,
    Bytes,
    Capability,
    Event,
    Grid,
    Kernel,
    Mark,
    Mode,
    Op,
    Space,
    Stream,
    View,
    Waitable,
)

T = TypeVar("T")


class Memory(Protocol):
    """Buffers with explicit lifetimes, and the host's own, declared, accesses to their bytes."""

    def alloc(self, nbytes: int, space: Space, *, label: str) -> Buffer:
        """A new buffer with arbitrary content. Raises: OutOfMemory, Refused (size not positive)."""

    def free(self, buffer: Buffer) -> None:
        """End the buffer's life. It does not wait: work that still uses it must have been waited
        for, or be known to the allocator (copies of pinned memory are, kernels are not).
        Raises: StaleHandle, ForeignHandle."""

    def host(self, view: View, mode: Mode) -> AbstractContextManager[memoryview]:
        """The bytes of pinned or pageable memory, in place, for as long as the block lasts.
        Undeclared use is caught: a view for reading is read-only, and none outlives its block."""


class HostBytes(Protocol):
    """The same accesses in one call each."""

    def host_read(self, view: View) -> bytes:
        """The bytes as they are now."""

    def host_write(self, view: View, data: bytes) -> None:
        """Replace all bytes of the view. Raises: Refused if the lengths differ."""


class Order(Protocol):
    """Streams and events; waits bind at the time of the call, later recordings change nothing."""

    def stream(self, name: str, *, blocking: bool = False) -> Stream:
        """A new stream. Its name is unique on its device, since schedules are written with it."""

    def event(self, name: str) -> Event:
        """A new event, not recorded: a query of it is true, a wait for it returns at once."""

    def record(self, event: Event, stream: Stream) -> Mark:
        """Mark all work that is in the stream now; the event holds this mark from now on."""

    def wait(self, stream: Stream, on: Event | Mark) -> None:
        """Work put into the stream after this waits for the mark; the host does not."""


class Completion(Protocol):
    """What the host may learn about work that it enqueued."""

    def query(self, on: Waitable) -> bool:
        """Whether all work behind it has completed. True orders that work before what the host
        does next; False says nothing."""

    def synchronize(self, on: Waitable | None = None) -> None:
        """Return when the work behind it has completed; None is all work of the device.
        Raises: DeviceFailed, DeviceStuck."""


class Work(Protocol):
    """What can be enqueued; each returns at once and executes in stream order, later.

    Raises: LaunchFailed, StaleHandle, ForeignHandle, DeviceFailed (of earlier work).
    """

    def copy(self, destination: View, source: View, stream: Stream, *, label: str = "copy") -> Op:
        """Copy bytes of one length. The source is read when the copy executes, not now; pageable
        memory may be read now or then. The host allocator notes the stream."""

    def fill(self, destination: View, byte: int, stream: Stream, *, label: str = "fill") -> Op:
        """Set every byte."""

    def launch(
        self, kernel: Kernel, arguments: Sequence[Argument], stream: Stream, *, grid: Grid = ...
    ) -> Op:
        """Run a kernel. Ints are copied now, bytes behind views are read when it executes. The host
        allocator is not told: the lifetime of pinned arguments is the caller's matter."""

    def host_call(
        self,
        function: Callable[[Sequence[Bytes]], None],
        touches: Sequence[tuple[View, Mode]],
        stream: Stream,
        *,
        label: str,
    ) -> Op:
        """Run a host function in stream order, with the declared bytes as its arguments. It must
        not call the device."""


class Lock(Protocol):
    """Mutual exclusion between host tasks; not reentrant."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


class Shared(Protocol[T]):
    """A value that several host tasks use: each use is a scheduling point and is race-checked."""

    def get(self) -> T:
        """The value now."""

    def set(self, value: T) -> None:
        """Replace the value."""


class Task(Protocol):
    """A host task that was started."""

    def join(self) -> None:
        """Return when it has ended; an exception it ended with is raised here."""


class Hosts(Protocol):
    """Host concurrency: real threads and locks on CUDA, controlled one at a time in simulation."""

    def lock(self, name: str) -> Lock:
        """A new lock."""

    def shared(self, name: str, value: T) -> Shared[T]:
        """A new shared value."""

    def spawn(self, name: str, body: Callable[[], None]) -> Task:
        """Start a task. Its name is unique on its device, since schedules are written with it."""

    def pause(self, label: str) -> None:
        """A scheduling point before host code that uses what tasks share without declaring it: all
        orders of that code and other tasks' steps count as different."""


class Device(Memory, HostBytes, Order, Completion, Work, Hosts, Protocol):
    """All of it, and how it ends."""

    @property
    def name(self) -> str:
        """The backend's name: sim, cuda, fake."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What it can do beyond running."""

    @property
    def legacy(self) -> Stream:
        """CUDA's default stream: work in it waits for all blocking streams, and they for it."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What it has found wrong so far, in order; a device without such checks finds nothing."""

    def quiesce(self) -> tuple[Finding, ...]:
        """Let all work complete, then all findings. Raises: DeviceFailed, DeviceStuck."""

    def close(self) -> tuple[Finding, ...]:
        """Quiesce, report buffers that are still live as leaked, and end the device."""
