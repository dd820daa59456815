"""The gates of one device: two words a stream, which hold each operation until it is released.

It decides when an enqueued operation may execute, never which is next: that is the record's, and
`turnstile` reads it. The idea: each operation is enqueued as "wait until gate >= n; operation;
done = n", so that raising a word by one lets exactly one operation execute, and the other word says
when it has. `docs/gates.md` has the limits that CUDA states.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, TypeVar

from kvimpl.device.cuda.device import CudaDevice
from kvimpl.device.cuda.driver_calls import checked, driver_module
from kvimpl.device.cuda.runtime import Runtime
from kvimpl.device.cuda.waiting import Watchdog
from kvimpl.device.port.errors import DeviceStuck
from kvimpl.device.port.values import Stream

T = TypeVar("T")
STREAMS_MAX = 32  # as many as there can be hardware queues: CUDA_DEVICE_MAX_CONNECTIONS
WORD = 4
WIDE_OPEN = 2**31 - 1


class GateFault(Exception):
    """The record could not be forced: a fault of the tool, and no verdict on the program."""


def fault(what: str) -> GateFault:
    """What happened, as a fault that says what follows from it."""
    return GateFault(
        f"{what}. The program, its device or its waits differ from those of the record, or the "
        "hardware cannot keep that order. Nothing is concluded; record again, or see docs/gates.md."
    )


class Gate:
    """A stream's two words, and how many operations were enqueued and released."""

    def __init__(self, stream: Stream, place: int) -> None:
        self.stream = stream
        self.place = place
        self.words = (ctypes.c_int32 * 2).from_address(place)
        self.enqueued = self.released = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing in the stream waits to be released."""
        return self.released == self.enqueued

    def raise_by_one(self) -> None:
        """Let the oldest operation that waits execute."""
        self.released += 1
        self.words[0] = max(self.released, self.words[0])

    def open(self) -> None:
        """Let everything execute, now and later."""
        self.words[0] = WIDE_OPEN


class Gates:
    """The gates of one device."""

    def __init__(self, device: CudaDevice, runtime: Runtime) -> None:
        self._device = device
        self._runtime = runtime
        self._driver: Any = driver_module()
        self._memory = runtime.pinned_memory(2 * WORD * STREAMS_MAX)
        ctypes.memset(self._memory.address, 0, self._memory.nbytes)
        self._gates: dict[str, Gate] = {}
        self._is_open = False

    def around(
        self, stream: Stream, enqueue: Callable[[], T], *, ahead: Callable[[Gate], None] | None
    ) -> T:
        """Enqueue an operation between its gate and its mark of being done.

        `ahead` is called before it where the call blocks until the operation is done. Raises:
        GateFault.
        """
        gate = self._of(stream)
        gate.enqueued += 1
        self._value("cuStreamWaitValue32", gate, gate.place)
        if ahead is not None:
            ahead(gate)
        try:
            made = enqueue()
        finally:
            self._value("cuStreamWriteValue32", gate, gate.place + WORD)
        if ahead is not None:
            self.see_done(gate, "a copy that the call completes")
        return made

    def release(self, stream: str, does: str) -> None:
        """Let the oldest operation of the stream execute, and see it done. Raises: GateFault."""
        gate = self._gates.get(stream)
        if gate is None or gate.is_empty:
            raise fault(f"the record runs '{does}' on '{stream}', which has no such work")
        gate.raise_by_one()
        self.see_done(gate, does)

    def see_done(self, gate: Gate, does: str) -> None:
        """Return when the operation that was released last has executed. Raises: GateFault."""

        def is_done() -> bool:
            # The query is no wait: it lets a device that executes inside calls go on.
            self._device.query(gate.stream)
            return gate.words[1] >= gate.released

        try:
            (self._device.watchdog or Watchdog()).until(is_done, f"see '{does}' executed")
        except DeviceStuck as stuck:
            why = str(stuck).rstrip(".")
            raise fault(f"the gate of '{does}' on '{gate.stream}' is stuck: {why}") from stuck

    def open(self) -> None:
        """Open every gate for good, so that nothing is held back any more."""
        self._is_open = True
        for gate in tuple(self._gates.values()):
            gate.open()

    def give_back(self) -> None:
        """Give the words' memory back; no operation waits for them any more."""
        self._gates.clear()
        self._runtime.release(self._memory)

    def _of(self, stream: Stream) -> Gate:
        name = stream.name
        if name not in self._gates:
            if len(self._gates) == STREAMS_MAX:
                raise fault(f"the program uses more than {STREAMS_MAX} streams")
            place = self._memory.address + 2 * WORD * len(self._gates)
            self._gates[name] = Gate(stream, place)
            if self._is_open:
                self._gates[name].open()
        return self._gates[name]

    def _value(self, call: str, gate: Gate, at: int) -> None:
        handle = self._driver.CUstream(self._runtime.handle(self._device.object_of(gate.stream)))
        checked(self._driver, call, getattr(self._driver, call)(handle, at, gate.enqueued, 0))
