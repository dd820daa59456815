"""Forces a recorded order upon the CUDA device, operation by operation, by gates in mapped memory.

It decides when an enqueued operation may execute, never what a run means. The idea: each operation
is enqueued as "wait until gate >= n; operation; done = n", and the gates are raised in the order of
the record. What the host waits for was executed before in the record, and a call that may block has
its gate opened before it, so no thread but the program's is needed. `docs/gates.md` has the limits
that CUDA states.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

from kvimpl.device.cuda.device import CudaDevice
from kvimpl.device.cuda.driver_calls import checked, driver_module
from kvimpl.device.cuda.memory_views import HostAccess
from kvimpl.device.cuda.runtime import Runtime
from kvimpl.device.cuda.waiting import Watchdog
from kvimpl.device.port.errors import DeviceStuck
from kvimpl.device.port.findings import Finding
from kvimpl.device.port.steps import Pending
from kvimpl.device.port.values import (
    Argument,
    Buffer,
    Bytes,
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
STREAMS_MAX = 32  # as many as there can be hardware queues: CUDA_DEVICE_MAX_CONNECTIONS
WORD = 4
WIDE_OPEN = 2**31 - 1
ALLOCATOR_S_OWN = "event of "
"""Work of the simulated pinned allocator, which a real one does unseen: it has no gate."""


class GateFault(Exception):
    """The record could not be forced: a fault of the tool, and no verdict on the program."""


class _Gate:
    """A stream's two words, and how many operations were enqueued and released."""

    def __init__(self, stream: Stream, place: int) -> None:
        self.stream = stream
        self.place = place
        self.words = (ctypes.c_int32 * 2).from_address(place)
        self.enqueued = self.released = 0


class Gates:
    """The gates of one device, raised in the order of the record's steps."""

    def __init__(self, device: CudaDevice, runtime: Runtime, steps: Sequence[Pending]) -> None:
        self._device = device
        self._runtime = runtime
        self._steps = steps
        self._next = 0
        self._driver: Any = driver_module()
        self._memory = runtime.pinned_memory(2 * WORD * STREAMS_MAX)
        ctypes.memset(self._memory.address, 0, self._memory.nbytes)
        self._gates: dict[str, _Gate] = {}

    def host(self, does: str) -> None:
        """The host is about to do this: release what the record has before it.

        Raises: GateFault, also where the record has another step of the host.
        """
        while self._next < len(self._steps):
            step = self._steps[self._next]
            self._next += 1
            if not step.is_host:
                self._release(step)
            elif step.actor == "host" and step.does.startswith(does):
                return
            else:
                self._fail(f"the record has '{step.actor}: {step.does}' where it does '{does}'")
        self._fail(f"the record ends where the host still does '{does}'")

    def awaits(self, does: str) -> bool:
        """Whether the host's next step in the record is to wait, in these words."""
        left = (step for step in self._steps[self._next :] if step.is_host)
        found = next(left, None)
        return found is not None and found.does.startswith(does)

    def around(self, stream: Stream, enqueue: Callable[[], T]) -> T:
        """Enqueue an operation between its gate and its mark of being done."""
        name = stream.name
        if name not in self._gates:
            if len(self._gates) == STREAMS_MAX:
                self._fail(f"the program uses more than {STREAMS_MAX} streams")
            place = self._memory.address + 2 * WORD * len(self._gates)
            self._gates[name] = _Gate(stream, place)
        gate = self._gates[name]
        gate.enqueued += 1
        self._value("cuStreamWaitValue32", gate, gate.place)
        blocks = self.awaits("complete ")
        if blocks:
            self._release_ahead(gate)
        try:
            made = enqueue()
        finally:
            self._value("cuStreamWriteValue32", gate, gate.place + WORD)
        if blocks:
            self._see_done(gate, "a copy that the call completes")
            self.host("complete ")
        return made

    def finish(self) -> None:
        """Release what is left, in the order of the record, then all gates."""
        for step in self._steps[self._next :]:
            if not step.is_host:
                self._release(step)
        self._next = len(self._steps)
        self.open()

    def open(self) -> None:
        """Open every gate for good, so that nothing is held back any more."""
        for gate in self._gates.values():
            gate.words[0] = WIDE_OPEN

    def _release(self, step: Pending) -> None:
        if step.does.startswith(ALLOCATOR_S_OWN):
            return
        gate = self._gates.get(step.actor)
        if gate is None or gate.released == gate.enqueued:
            self._fail(f"the record runs '{step.does}' on '{step.actor}', which has no such work")
        gate.released += 1
        gate.words[0] = gate.released
        self._see_done(gate, step.does)

    def _release_ahead(self, gate: _Gate) -> None:
        """The call that comes may block until its work is done: open its gate before it."""
        while self._next < len(self._steps) and not self._steps[self._next].is_host:
            step = self._steps[self._next]
            self._next += 1
            if step.actor == gate.stream.name and gate.released == gate.enqueued - 1:
                break
            self._release(step)
        gate.released += 1
        gate.words[0] = gate.released

    def _see_done(self, gate: _Gate, does: str) -> None:
        def is_done() -> bool:
            # The query is no wait: it lets a device that executes inside calls go on.
            self._device.query(gate.stream)
            return gate.words[1] >= gate.released

        try:
            (self._device.watchdog or Watchdog()).until(is_done, f"see '{does}' executed")
        except DeviceStuck as stuck:
            self._fail(f"the gate of '{does}' on '{gate.stream}' is stuck: {stuck}")

    def _value(self, call: str, gate: _Gate, at: int) -> None:
        handle = self._driver.CUstream(self._runtime.handle(self._device.object_of(gate.stream)))
        checked(self._driver, call, getattr(self._driver, call)(handle, at, gate.enqueued, 0))

    def _fail(self, what: str) -> NoReturn:
        self.open()
        raise GateFault(
            f"{what}. The program, its device or its waits differ from those of the record, or the "
            "hardware cannot keep that order. Nothing is concluded; record again, or see "
            "docs/gates.md."
        )


class GatedDevice:
    """The port on a CUDA device whose operations execute in the order of a record.

    One host task only; the calls are those of the port, and each is refused where the record has
    another. The record is the steps of a run on the simulated device.
    """

    name = "cuda"

    def __init__(self, device: CudaDevice, runtime: Runtime, steps: Sequence[Pending]) -> None:
        self._device = device
        self._gates = Gates(device, runtime, steps)
        self.legacy = device.legacy
        self.stream = device.stream
        self.event = device.event

    def alloc(self, nbytes: int, space: Space, *, label: str) -> Buffer:
        """See the port."""
        self._gates.host("alloc")
        return self._device.alloc(nbytes, space, label=label)

    def free(self, buffer: Buffer) -> None:
        """See the port."""
        self._gates.host("free")
        self._device.free(buffer)

    def host(self, view: View, mode: Mode) -> HostAccess:
        """See the port."""
        self._gates.host("host")
        return self._device.host(view, mode)

    def host_read(self, view: View) -> bytes:
        """See the port."""
        self._gates.host("host")
        return self._device.host_read(view)

    def host_write(self, view: View, data: bytes) -> None:
        """See the port."""
        self._gates.host("host")
        self._device.host_write(view, data)

    def record(self, event: Event, stream: Stream) -> Mark:
        """See the port."""
        self._gates.host("enqueue record")
        return self._gates.around(stream, lambda: self._device.record(event, stream))

    def wait(self, stream: Stream, on: Event | Mark) -> None:
        """See the port."""
        self._gates.host("enqueue wait")
        self._gates.around(stream, lambda: self._device.wait(stream, on))

    def query(self, on: Waitable) -> bool:
        """See the port."""
        self._gates.host("query")
        return self._device.query(on)

    def synchronize(self, on: Waitable | None = None) -> None:
        """See the port."""
        if self._gates.awaits("await "):
            self._gates.host("await ")
        self._device.synchronize(on)

    def copy(self, destination: View, source: View, stream: Stream, *, label: str = "copy") -> Op:
        """See the port."""
        self._gates.host(f"enqueue {label}")
        return self._gates.around(
            stream, lambda: self._device.copy(destination, source, stream, label=label)
        )

    def fill(self, destination: View, byte: int, stream: Stream, *, label: str = "fill") -> Op:
        """See the port."""
        self._gates.host(f"enqueue {label}")
        return self._gates.around(
            stream, lambda: self._device.fill(destination, byte, stream, label=label)
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
        self._gates.host(f"enqueue {kernel.name}")
        return self._gates.around(
            stream, lambda: self._device.launch(kernel, arguments, stream, grid=grid)
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
        self._gates.host(f"enqueue {label}")
        return self._gates.around(
            stream, lambda: self._device.host_call(function, touches, stream, label=label)
        )

    def close(self) -> tuple[Finding, ...]:
        """The rest of the record, then what the device's own close does."""
        self._gates.finish()
        return self._device.close()
