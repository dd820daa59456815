"""CUDA by torch: its streams, its events, its two caching allocators and its asynchronous copies.

It decides which torch call answers each of the runtime's. What to know of torch here: side streams
are all non-blocking; an event is created at its first record; a copy is asynchronous only between
contiguous tensors of one type, so every tensor here is a row of bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TypeVar

from kvimpl.device.cuda.driver_calls import checked, driver_module
from kvimpl.device.cuda.faults import OUT_OF_MEMORY, UNKNOWN, CudaError, NoCudaDevice
from kvimpl.device.cuda.runtime import EventObject, Piece, StreamObject
from kvimpl.device.port.errors import Refused

T = TypeVar("T")


class TorchRuntime:
    """One device of torch.

    Raises:
        NoCudaDevice: torch is not installed, or built for CPU, or sees no device.
    """

    def __init__(
        self,
        ordinal: int = 0,
        *,
        torch: Any = None,  # the package, by default the installed one
        driver: Callable[[], Any] = driver_module,  # cuda.bindings.driver, for what torch lacks
    ) -> None:
        self._torch = torch or _installed()
        self._driver = driver
        if not self._torch.cuda.is_available():
            raise NoCudaDevice(
                f"torch {self._torch.__version__} sees no CUDA device. The machine has no GPU or "
                "driver, or this torch is built for CPU. Use --device sim, or install torch for "
                "CUDA on a machine with a GPU."
            )
        self._device = self._torch.device("cuda", ordinal)
        self._ordinal = ordinal

    def enter_thread(self) -> None:
        """See Runtime: torch's current device is the thread's."""
        self._torch.cuda.set_device(self._ordinal)

    # -- memory

    def device_memory(self, nbytes: int) -> Piece:
        """See Runtime."""
        return self._piece("torch.empty on the device", nbytes, device=self._device)

    def pinned_memory(self, nbytes: int) -> Piece:
        """See Runtime."""
        return self._piece("torch.empty of pinned memory", nbytes, pin_memory=True)

    def pageable_memory(self, nbytes: int) -> Piece:
        """See Runtime."""
        return self._piece("torch.empty", nbytes)

    def release(self, piece: Piece) -> None:
        """See Runtime: the last reference to the tensor is the caller's to drop."""

    # -- streams and events

    def legacy(self) -> StreamObject:
        """See Runtime."""
        return self._torch.cuda.default_stream(self._device)

    def stream(self, *, blocking: bool) -> StreamObject:
        """See Runtime. Raises: Refused, for a blocking one."""
        if blocking:
            raise Refused(
                "torch has no blocking streams but the default one: its side streams are all "
                "non-blocking. The program relies on fences of the default stream. Record and "
                "wait for an event instead, or use DriverRuntime."
            )
        return self._said("torch.cuda.Stream", lambda: self._torch.cuda.Stream(self._device))

    def handle(self, stream: StreamObject) -> int:
        """See Runtime."""
        return int(stream.cuda_stream)

    def is_idle(self, stream: StreamObject) -> bool:
        """See Runtime."""
        return bool(self._said("Stream.query", stream.query))

    def event(self) -> EventObject:
        """See Runtime."""
        return self._torch.cuda.Event()

    def record(self, event: EventObject, stream: StreamObject) -> None:
        """See Runtime."""
        self._said("Event.record", lambda: event.record(stream))

    def wait(self, stream: StreamObject, event: EventObject) -> None:
        """See Runtime."""
        self._said("Stream.wait_event", lambda: stream.wait_event(event))

    def is_done(self, event: EventObject) -> bool:
        """See Runtime."""
        return bool(self._said("Event.query", event.query))

    def await_done(self, event: EventObject) -> None:
        """See Runtime."""
        self._said("Event.synchronize", event.synchronize)

    # -- work

    def copy(
        self, to: Piece, to_start: int, source: Piece, start: int, nbytes: int, stream: StreamObject
    ) -> None:
        """See Runtime: rows of bytes on both sides, or torch would copy to a temporary first.
        Between two host tensors torch would copy now, so the driver is asked there."""
        if not (to.keeps.is_cuda or source.keeps.is_cuda):
            ends = (to.address + to_start, source.address + start)
            self._driven("cuMemcpyAsync", *ends, nbytes, stream=stream)
            return
        target = to.keeps[to_start : to_start + nbytes]
        origin = source.keeps[start : start + nbytes]
        with self._torch.cuda.stream(stream):
            self._said("Tensor.copy_", lambda: target.copy_(origin, non_blocking=True))

    def fill(self, to: Piece, start: int, nbytes: int, byte: int, stream: StreamObject) -> None:
        """See Runtime: by the driver, since torch would fill host memory now, and the device's by a
        kernel of its own, which a device without torch's kernels refuses."""
        self._driven("cuMemsetD8Async", to.address + start, byte, nbytes, stream=stream)

    def host_function(self, stream: StreamObject, function: int, data: int) -> None:
        """See Runtime: torch has no such call, the driver has."""
        driver = self._driver()
        on = driver.CUstream(self.handle(stream))
        result = driver.cuLaunchHostFunc(on, driver.CUhostFn(function), data)
        checked(driver, "cuLaunchHostFunc", result)

    def close(self) -> None:
        """See Runtime: torch keeps its streams and destroys its events by itself."""

    # -- inside

    def _piece(self, call: str, nbytes: int, **where: object) -> Piece:
        torch = self._torch
        made = self._said(call, lambda: torch.empty(nbytes, dtype=torch.uint8, **where))
        return Piece(int(made.data_ptr()), nbytes, made)

    def _driven(self, name: str, *arguments: int, stream: StreamObject) -> None:
        driver = self._driver()
        on = driver.CUstream(self.handle(stream))
        checked(driver, name, getattr(driver, name)(*arguments, on))

    def _said(self, call: str, does: Callable[[], T]) -> T:
        with self._errors(call):
            return does()

    @contextmanager
    def _errors(self, call: str) -> Iterator[None]:
        """torch's exceptions as CUDA's errors; one without a code is taken as sticky."""
        try:
            yield
        except self._torch.cuda.OutOfMemoryError as error:
            raise CudaError(call, OUT_OF_MEMORY, str(error)) from error
        except RuntimeError as error:
            code = getattr(error, "error_code", UNKNOWN)
            raise CudaError(call, int(code), str(error).partition("\n")[0]) from error


def _installed() -> Any:  # torch, which is optional
    try:
        return import_module("torch")
    except ImportError as error:
        raise NoCudaDevice(
            f"torch is not installed ({error}). It is an optional package, in the extra 'cuda'. "
            "Install it: pip install 'kvproof[cuda]'."
        ) from error
