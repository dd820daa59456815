"""The port on a CUDA device whose calls and operations come in the order of a record.

It decides which step of the record each call is; whose turn it is is the turnstile's, and when work
executes the gates'. The record is the steps of a run on the simulated device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

from kvimpl.device.cuda.device import CudaDevice
from kvimpl.device.cuda.gates import GateFault, Gates
from kvimpl.device.cuda.hosts import HostLock, HostShared, HostTask
from kvimpl.device.cuda.runtime import Runtime
from kvimpl.device.cuda.turnstile import Turnstile
from kvimpl.device.cuda.waiting import Watchdog
from kvimpl.device.port.findings import Finding
from kvimpl.device.port.host_bytes import read_whole, write_whole
from kvimpl.device.port.steps import Pending
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


class GatedDevice:
    """The device port; each call waits for its turn, and is refused where the record has another.

    Where a `GateFault` was raised, `fault` holds it, whoever caught it since.
    """

    name = "cuda"
    capabilities = frozenset({Capability.GATES})

    def __init__(self, device: CudaDevice, runtime: Runtime, steps: Sequence[Pending]) -> None:
        self._device = device
        self._gates = Gates(device, runtime)
        self._turns = Turnstile(steps, self._gates, device.watchdog or Watchdog())
        self._is_closed = False
        self.stream = device.stream
        self.event = device.event

    @property
    def fault(self) -> GateFault | None:
        """Why the record could not be kept, if it could not."""
        return self._turns.fault

    # -- memory

    def alloc(self, nbytes: int, space: Space, *, label: str) -> Buffer:
        """See the port."""
        with self._turns.call(f"alloc {label}"):
            return self._device.alloc(nbytes, space, label=label)

    def free(self, buffer: Buffer) -> None:
        """See the port."""
        with self._turns.call(f"free of {buffer.label}"):
            self._device.free(buffer)

    @contextmanager
    def host(self, view: View, mode: Mode) -> Iterator[memoryview]:
        """See the port."""
        with self._turns.opening(f"host {mode.value}"), self._device.host(view, mode) as data:
            yield data

    def host_read(self, view: View) -> bytes:
        """See the port."""
        return read_whole(self, view)

    def host_write(self, view: View, data: bytes) -> None:
        """See the port."""
        write_whole(self, view, data)

    # -- order

    @property
    def legacy(self) -> Stream:
        """See the port."""
        return self._device.legacy

    def record(self, event: Event, stream: Stream) -> Mark:
        """See the port."""
        return self._put(f"record {event}", stream, lambda: self._device.record(event, stream))

    def wait(self, stream: Stream, on: Event | Mark) -> None:
        """See the port."""
        self._put(f"wait {_any(on)}", stream, lambda: self._device.wait(stream, on))

    def query(self, on: Waitable) -> bool:
        """See the port."""
        with self._turns.call(f"query {_any(on)}"):
            return self._device.query(on)

    def synchronize(self, on: Waitable | None = None) -> None:
        """See the port. Other tasks may go between the call and its end."""
        name = "all streams" if on is None else _any(on)
        if self._turns.expects("synchronize "):
            with self._turns.call(f"synchronize {name}"):
                pass
        if self._turns.expects("await "):
            with self._turns.call(f"await {name}"):
                self._device.synchronize(on)

    # -- work

    def copy(self, destination: View, source: View, stream: Stream, *, label: str = "copy") -> Op:
        """See the port."""
        return self._put(
            label, stream, lambda: self._device.copy(destination, source, stream, label=label)
        )

    def fill(self, destination: View, byte: int, stream: Stream, *, label: str = "fill") -> Op:
        """See the port."""
        return self._put(
            label, stream, lambda: self._device.fill(destination, byte, stream, label=label)
        )

    def launch(
        self,
        kernel: Kernel,
        arguments: Sequence[Argument],
        stream: Stream,
        *,
        grid: Grid | None = None,
    ) -> Op:
        """See the port."""
        return self._put(
            kernel.name, stream, lambda: self._device.launch(kernel, arguments, stream, grid=grid)
        )

    def host_call(
        self,
        function: Callable[[Sequence[Bytes]], None],
        touches: Sequence[tuple[View, Mode]],
        stream: Stream,
        *,
        label: str,
    ) -> Op:
        """See the port."""
        return self._put(
            label, stream, lambda: self._device.host_call(function, touches, stream, label=label)
        )

    # -- hosts

    def lock(self, name: str) -> GatedLock:
        """See the port."""
        return GatedLock(self._device.lock(name), self._turns, name)

    def shared(self, name: str, value: T) -> GatedShared[T]:
        """See the port."""
        return GatedShared(self._device.shared(name, value), self._turns, name)

    def spawn(self, name: str, body: Callable[[], None]) -> GatedTask:
        """See the port."""
        with self._turns.call(f"spawn {name}"):
            self._turns.start(name)
            task = self._device.spawn(name, lambda: self._turns.run(name, body))
        return GatedTask(task, self._turns, name)

    def pause(self, label: str) -> None:
        """See the port."""
        with self._turns.call(label):
            pass

    # -- the end

    @property
    def findings(self) -> tuple[Finding, ...]:
        """See the port."""
        return self._device.findings

    def quiesce(self) -> tuple[Finding, ...]:
        """See the port."""
        for name in self._turns.others:
            with self._turns.call(f"join {name}"):
                pass
        self.synchronize()
        return self.findings

    def close(self) -> tuple[Finding, ...]:
        """The rest of the record, then what the device's own close does. Raises: GateFault."""
        try:
            if not self._is_closed:
                self._turns.finish()
        finally:
            found = self._end()
        return found

    def abandon(self) -> None:
        """End the run where it is: all gates open, tasks that wait unwind, the device is closed.

        Once more, or after `close`, it does nothing.
        """
        self._turns.abandon()
        self._end()

    # -- inside

    def _end(self) -> tuple[Finding, ...]:
        found = self._device.close()
        if not self._is_closed:
            self._is_closed = True
            self._gates.give_back()
        return found

    def _put(self, label: str, stream: Stream, enqueue: Callable[[], T]) -> T:
        turns = self._turns
        with turns.call(f"enqueue {label}"):
            if not turns.expects("complete "):
                return self._gates.around(stream, enqueue, ahead=None)
            made = self._gates.around(stream, enqueue, ahead=turns.release_ahead)
        with turns.call(f"complete {label}"):
            return made


class GatedLock:
    """A lock that is taken and given back in the order of the record."""

    def __init__(self, inner: HostLock, turns: Turnstile, name: str) -> None:
        self._inner = inner
        self._turns = turns
        self._name = name

    def __enter__(self) -> None:
        with self._turns.call(f"acquire {self._name}"):
            self._inner.__enter__()

    def __exit__(self, *raised: object) -> None:
        try:
            with self._turns.call(f"release {self._name}"):
                pass
        finally:
            self._inner.__exit__(*raised)


class GatedShared(Generic[T]):
    """A value whose uses come in the order of the record."""

    def __init__(self, inner: HostShared[T], turns: Turnstile, name: str) -> None:
        self._inner = inner
        self._turns = turns
        self._name = name

    def get(self) -> T:
        """The value now."""
        with self._turns.call(f"get {self._name}"):
            return self._inner.get()

    def set(self, value: T) -> None:
        """Replace the value."""
        with self._turns.call(f"set {self._name}"):
            self._inner.set(value)


class GatedTask:
    """A task that was spawned."""

    def __init__(self, inner: HostTask, turns: Turnstile, name: str) -> None:
        self._inner = inner
        self._turns = turns
        self._name = name

    def join(self) -> None:
        """Return when it has ended; an exception it ended with is raised here, once."""
        with self._turns.call(f"join {self._name}"):
            self._inner.join()


def _any(on: Waitable) -> str:
    """The handle in the words of a step: a mark's number is the device's own."""
    return f"{on.event}@" if isinstance(on, Mark) else str(on)
