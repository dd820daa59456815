"""The torch runtime's calls, on a strict stand-in for the few entry points of torch that it uses.

What the stand-in takes for torch's interface is held against the installed torch in
`tests/assumptions/test_torch_interface.py`; that they do on a GPU what they say is not shown here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from torch_stand_in import AcceleratorError, OutOfMemory, StandIn

from kvimpl.device.cuda import CudaDevice, NoCudaDevice, Packed, TorchRuntime
from kvimpl.device.kernels import COPY_SLOTS, KernelSource
from kvimpl.device.port import DeviceFailed, Refused, Space
from kvimpl.device.port import OutOfMemory as PortOutOfMemory


@dataclass
class Launches:
    "Keeps what was launched, and where."

    seen: list[tuple[str, Packed, int]] = field(default_factory=list)

    def launch(self, source: KernelSource, call: Packed, stream: int) -> None:
        self.seen.append((source.entry, call, stream))


@dataclass
class Driver:
    "The driver calls that torch has no name for."

    calls: list[Sequence[object]] = field(default_factory=list)

    def CUstream(self, handle: int) -> int:
        return handle

    def CUhostFn(self, address: int) -> int:
        return address

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: object) -> tuple[int]:
            self.calls.append((name, *arguments))
            return (0,)

        assert name.startswith("cu"), name
        return call


@dataclass
class Rig:
    "A device on the stand-ins."

    torch: StandIn = field(default_factory=StandIn)
    driver: Driver = field(default_factory=Driver)
    launches: Launches = field(default_factory=Launches)

    def __post_init__(self) -> None:
        runtime = TorchRuntime(torch=self.torch, driver=lambda: self.driver)
        self.dev = CudaDevice(runtime, self.launches)


def test_copies_are_asynchronous_rows_of_bytes_on_the_stream_that_was_named() -> None:
    rig = Rig()
    dev, stream = rig.dev, rig.dev.stream("s")
    device = dev.alloc(8, Space.DEVICE, label="device")
    pinned = dev.alloc(8, Space.PINNED, label="pinned")
    dev.host_write(pinned.view(), b"abcdefgh")
    dev.copy(device.view(0, 4), pinned.view(4, 8), stream)
    dev.copy(pinned.view(0, 4), device.view(0, 4), stream)
    assert dev.host_read(pinned.view()) == b"efghefgh"
    assert rig.torch.calls[:2] == ["empty 8 ('cuda', 0)", "empty 8 host pinned"]
    assert rig.torch.calls[2:] == ["copy_ 257", "copy_ 257"]
    assert rig.driver.calls == []


def test_host_memory_is_never_copied_and_no_memory_filled_by_torch() -> None:
    rig = Rig()
    dev, stream = rig.dev, rig.dev.stream("s")
    device = dev.alloc(8, Space.DEVICE, label="device")
    one = dev.alloc(8, Space.PINNED, label="one")
    two = dev.alloc(8, Space.PINNED, label="two")
    dev.fill(one.view(2, 4), 7, stream)
    dev.copy(two.view(4, 8), one.view(0, 4), stream)
    dev.fill(device.view(), 9, stream)
    fill, copy, device_fill = rig.driver.calls
    assert device_fill[0] == "cuMemsetD8Async"
    assert device_fill[2:] == (9, 8, 257)
    start = fill[1]
    assert isinstance(start, int)
    assert fill == ("cuMemsetD8Async", start, 7, 2, 257)
    assert copy[0] == "cuMemcpyAsync"
    assert copy[2:] == (start - 2, 4, 257)


def test_each_recording_has_an_event_of_its_own() -> None:
    rig = Rig()
    dev, stream, other = rig.dev, rig.dev.stream("s"), rig.dev.stream("t")
    event = dev.event("e")
    early = dev.record(event, stream)
    late = dev.record(event, stream)
    dev.wait(other, early)
    dev.wait(other, event)
    assert rig.torch.calls == [
        "Event.record 1 257",
        "Event.record 2 257",
        "Stream.wait_event 258 1",
        "Stream.wait_event 258 2",
    ]
    assert late != early


def test_kernels_and_host_functions_go_to_the_handle_of_torch_s_stream() -> None:
    rig = Rig()
    dev, stream = rig.dev, rig.dev.stream("s")
    slots = dev.alloc(64, Space.DEVICE, label="slots")
    pairs = dev.alloc(16, Space.PINNED, label="pairs")
    arguments = (slots.view(32, 64), slots.view(0, 32), pairs.view(8, 16), 1, 2, 2, 16)
    dev.launch(COPY_SLOTS.kernel, arguments, stream)
    dev.host_call(lambda _: None, [], stream, label="nothing")
    ((entry, call, handle),) = rig.launches.seen
    assert (entry, handle) == ("copy_slots", 257)
    assert call.values[0] == call.values[1] + 32, "pointers have their view's offset"
    assert call.values[3:] == (1, 2, 2, 16)
    assert call.sizes == (8, 8, 8, 4, 4, 4, 8)
    assert rig.driver.calls[0][:2] == ("cuLaunchHostFunc", 257)


def test_torch_has_no_blocking_streams_and_says_so() -> None:
    dev = Rig().dev
    with pytest.raises(Refused, match="non-blocking"):
        dev.stream("s", blocking=True)
    dev.stream("s")


def test_torch_s_errors_are_the_port_s() -> None:
    rig = Rig()
    rig.torch.fails["empty"] = OutOfMemory("CUDA out of memory. Tried to allocate 8 bytes")
    with pytest.raises(PortOutOfMemory, match="Tried to allocate"):
        rig.dev.alloc(8, Space.DEVICE, label="b")
    buffer, stream = rig.dev.alloc(8, Space.DEVICE, label="b"), rig.dev.stream("s")
    host = rig.dev.alloc(8, Space.PINNED, label="host")
    rig.torch.fails["copy_"] = AcceleratorError("CUDA error: invalid argument", 1)
    with pytest.raises(Refused, match="invalid argument"):
        rig.dev.copy(buffer.view(), host.view(), stream)
    rig.torch.fails["copy_"] = AcceleratorError("CUDA error: an illegal address\nmore", 700)
    for _ in range(2):
        with pytest.raises(DeviceFailed, match="illegal address"):
            rig.dev.copy(buffer.view(), host.view(), stream)


def test_an_error_without_a_code_is_taken_as_the_device_s_failure() -> None:
    rig = Rig()
    rig.torch.fails["Event.record"] = RuntimeError("CUDA error: something")
    with pytest.raises(DeviceFailed, match="something"):
        rig.dev.record(rig.dev.event("e"), rig.dev.legacy)


def test_a_torch_without_a_device_says_what_to_do() -> None:
    with pytest.raises(NoCudaDevice) as caught:
        TorchRuntime(torch=StandIn(has_device=False))
    assert "sees no CUDA device" in str(caught.value)
    assert str(caught.value).count(". ") >= 2
