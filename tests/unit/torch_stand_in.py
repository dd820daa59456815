"""As much of torch's CUDA interface as the torch runtime uses, strict, and with no GPU behind it.

It decides no order: work executes at once. It records every call, and refuses what torch refuses or
does otherwise than one thinks: a copy between rows of different length or type, a blocking call
where an asynchronous one is meant, work on tensors outside `torch.cuda.stream`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


class AcceleratorError(RuntimeError):
    "A CUDA error, as torch 2.8 and later raise it."

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.error_code = code


class OutOfMemory(RuntimeError):
    "torch.cuda.OutOfMemoryError."


@dataclass
class Tensor:
    "A row of bytes."

    torch: StandIn
    place: ctypes.Array[ctypes.c_ubyte]
    is_cuda: bool
    start: int = 0

    def data_ptr(self) -> int:
        return ctypes.addressof(self.place) + self.start

    def __getitem__(self, at: slice) -> Tensor:
        assert at.step is None, "rows are contiguous"
        part = (ctypes.c_ubyte * (at.stop - at.start)).from_buffer(self.place, at.start)
        return Tensor(self.torch, part, self.is_cuda)

    def copy_(self, source: Tensor, *, non_blocking: bool) -> None:
        assert non_blocking, "this copy would wait"
        assert self.is_cuda or source.is_cuda, "torch copies between host tensors at once"
        assert len(self.place) == len(source.place)
        self.torch.enqueue("copy_")
        ctypes.memmove(self.place, source.place, len(self.place))


@dataclass(eq=False)
class Stream:
    "A torch.cuda.Stream."

    torch: StandIn
    cuda_stream: int

    def query(self) -> bool:
        return self.torch.does("Stream.query", True)

    def wait_event(self, event: Event) -> None:
        self.torch.does(f"Stream.wait_event {self.cuda_stream} {event.number}")


@dataclass(eq=False)
class Event:
    "A torch.cuda.Event; a stream must be named, or torch would take the current one."

    torch: StandIn
    number: int

    def record(self, stream: Stream) -> None:
        self.torch.does(f"Event.record {self.number} {stream.cuda_stream}")

    def query(self) -> bool:
        return self.torch.does("Event.query", True)

    def synchronize(self) -> None:
        self.torch.does("Event.synchronize")


class Cuda:
    "torch.cuda."

    OutOfMemoryError = OutOfMemory

    def __init__(self, torch: StandIn) -> None:
        self._torch = torch
        self._legacy = Stream(torch, 0)

    def is_available(self) -> bool:
        return self._torch.has_device

    def set_device(self, ordinal: int) -> None:
        assert ordinal == 0

    def default_stream(self, device: object) -> Stream:
        assert device == ("cuda", 0)
        return self._legacy

    def Stream(self, device: object) -> Stream:
        assert device == ("cuda", 0)
        self._torch.streams += 1
        return Stream(self._torch, 0x100 + self._torch.streams)

    def Event(self) -> Event:
        self._torch.events += 1
        return Event(self._torch, self._torch.events)

    @contextmanager
    def stream(self, stream: Stream) -> Iterator[None]:
        before, self._torch.current = self._torch.current, stream.cuda_stream
        yield
        self._torch.current = before


@dataclass
class StandIn:
    "The module torch."

    has_device: bool = True
    calls: list[str] = field(default_factory=list)
    fails: dict[str, Exception] = field(default_factory=dict)
    current: int | None = None
    streams: int = 0
    events: int = 0
    uint8: str = "uint8"
    __version__: str = "2.13.0+standin"

    def __post_init__(self) -> None:
        self.cuda = Cuda(self)

    def device(self, kind: str, ordinal: int) -> tuple[str, int]:
        return kind, ordinal

    def empty(
        self, nbytes: int, *, dtype: str, device: object = None, pin_memory: bool = False
    ) -> Tensor:
        assert dtype == "uint8"
        assert not (device and pin_memory), "only host memory is pinned"
        self.does(f"empty {nbytes} {device or 'host'} {'pinned' if pin_memory else ''}".strip())
        return Tensor(self, (ctypes.c_ubyte * nbytes)(), device is not None)

    def enqueue(self, what: str) -> None:
        assert self.current is not None, f"{what} outside torch.cuda.stream"
        self.does(f"{what} {self.current}")

    def does(self, call: str, value: bool = False) -> bool:
        self.calls.append(call)
        error = self.fails.pop(call.split()[0], None)
        if error is not None:
            raise error
        return value
