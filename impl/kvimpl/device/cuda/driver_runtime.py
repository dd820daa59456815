"""CUDA by its driver alone, through `cuda.bindings`: the runtime that needs neither torch nor CuPy.

It decides which driver call answers each of the runtime's. It is what runs on the fake driver, and
on any device whose machine has the package. A thread has no device until it says so, hence
`enter_thread`.
"""

from __future__ import annotations

import ctypes
from threading import local
from typing import Any

from kvimpl.device.cuda.driver_calls import checked, driver_module
from kvimpl.device.cuda.faults import NOT_READY, CudaError, NoCudaDevice
from kvimpl.device.cuda.runtime import EventObject, Piece, StreamObject

NON_BLOCKING = 1
DISABLE_TIMING = 2
PORTABLE_AND_MAPPED = 3


class DriverRuntime:
    """One device's primary context, which torch and CuPy use too.

    Raises:
        NoCudaDevice: no driver, no package, or no such device.
    """

    def __init__(self, ordinal: int = 0) -> None:
        self._driver = driver_module()
        self._thread = local()
        self._streams: list[StreamObject] = []
        self._events: list[EventObject] = []
        try:
            self._call("cuInit", 0)
            self._device = self._call("cuDeviceGet", ordinal)
            self._context = self._call("cuDevicePrimaryCtxRetain", self._device)
        except (CudaError, RuntimeError) as error:
            raise NoCudaDevice(
                f"There is no CUDA device {ordinal} ({error}). The machine has no GPU, no driver, "
                "or hides it (CUDA_VISIBLE_DEVICES). Use --device sim, or a machine with a GPU."
            ) from error
        self.enter_thread()

    def enter_thread(self) -> None:
        """See Runtime."""
        if not getattr(self._thread, "has_device", False):
            self._call("cuCtxSetCurrent", self._context)
            self._thread.has_device = True

    @property
    def architecture(self) -> str:
        """What NVRTC calls the device, such as sm_90."""
        attribute = self._driver.CUdevice_attribute
        names = ("MAJOR", "MINOR")
        found = [
            self._call(
                "cuDeviceGetAttribute",
                getattr(attribute, f"CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_{name}"),
                self._device,
            )
            for name in names
        ]
        return f"sm_{found[0]}{found[1]}"

    # -- memory

    def device_memory(self, nbytes: int) -> Piece:
        """See Runtime."""
        return Piece(int(self._call("cuMemAlloc", nbytes)), nbytes, None)

    def pinned_memory(self, nbytes: int) -> Piece:
        """See Runtime."""
        return Piece(
            int(self._call("cuMemHostAlloc", nbytes, PORTABLE_AND_MAPPED)), nbytes, "pinned"
        )

    def pageable_memory(self, nbytes: int) -> Piece:
        """See Runtime."""
        keeps = ctypes.create_string_buffer(nbytes)
        return Piece(ctypes.addressof(keeps), nbytes, keeps)

    def release(self, piece: Piece) -> None:
        """See Runtime."""
        if piece.keeps is None:
            self._call("cuMemFree", piece.address)
        elif piece.keeps == "pinned":
            self._call("cuMemFreeHost", piece.address)

    # -- streams and events

    def legacy(self) -> StreamObject:
        """See Runtime."""
        return self._driver.CUstream(0)

    def stream(self, *, blocking: bool) -> StreamObject:
        """See Runtime."""
        made = self._call("cuStreamCreate", 0 if blocking else NON_BLOCKING)
        self._streams.append(made)
        return made

    def handle(self, stream: StreamObject) -> int:
        """See Runtime."""
        return int(stream)

    def is_idle(self, stream: StreamObject) -> bool:
        """See Runtime."""
        return self._is_ready("cuStreamQuery", stream)

    def event(self) -> EventObject:
        """See Runtime."""
        made = self._call("cuEventCreate", DISABLE_TIMING)
        self._events.append(made)
        return made

    def record(self, event: EventObject, stream: StreamObject) -> None:
        """See Runtime."""
        self._call("cuEventRecord", event, stream)

    def wait(self, stream: StreamObject, event: EventObject) -> None:
        """See Runtime."""
        self._call("cuStreamWaitEvent", stream, event, 0)

    def is_done(self, event: EventObject) -> bool:
        """See Runtime."""
        return self._is_ready("cuEventQuery", event)

    def await_done(self, event: EventObject) -> None:
        """See Runtime."""
        self._call("cuEventSynchronize", event)

    # -- work

    def copy(
        self, to: Piece, to_start: int, source: Piece, start: int, nbytes: int, stream: StreamObject
    ) -> None:
        """See Runtime: one address space, so one call serves all directions."""
        target, origin = to.address + to_start, source.address + start
        self._call("cuMemcpyAsync", target, origin, nbytes, stream)

    def fill(self, to: Piece, start: int, nbytes: int, byte: int, stream: StreamObject) -> None:
        """See Runtime."""
        self._call("cuMemsetD8Async", to.address + start, byte, nbytes, stream)

    def host_function(self, stream: StreamObject, function: int, data: int) -> None:
        """See Runtime."""
        self._call("cuLaunchHostFunc", stream, self._driver.CUhostFn(function), data)

    def close(self) -> None:
        """See Runtime."""
        for event in self._events:
            self._call("cuEventDestroy", event)
        for stream in self._streams:
            self._call("cuStreamDestroy", stream)
        self._events.clear()
        self._streams.clear()

    # -- inside

    def _call(self, name: str, *arguments: object) -> Any:  # the call's own type
        return checked(self._driver, name, getattr(self._driver, name)(*arguments))

    def _is_ready(self, name: str, on: object) -> bool:
        result = getattr(self._driver, name)(on)
        if int(result[0]) == NOT_READY:
            return False
        checked(self._driver, name, result)
        return True
