"""Programs of the CUDA device on the fake driver: what it refuses, and how it fails.

`test_cuda_on_fake.py` runs each in a process of its own. They decide nothing; each says what it
saw.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from cuda_on_fake import device
from fake_process import Programs

from kvcheck.litmus.kernels import COPYING, KERNELS, SETTING
from kvimpl.device.cuda import CudaDevice, DriverLauncher, DriverRuntime, Watchdog
from kvimpl.device.cuda.host_calls import HostCalls
from kvimpl.device.fake import FakeDriver, image
from kvimpl.device.port import Space

PROGRAMS = Programs()


@PROGRAMS.add
def errors(fake: FakeDriver) -> object:
    "Each error of CUDA as the port's, and whether the next call still works."
    seen: dict[str, list[str]] = {}

    def tried(name: str, *calls: Callable[[], object]) -> None:
        said = []
        for call in calls:
            try:
                call()
                said.append("")
            except Exception as error:
                said.append(f"{type(error).__name__}: {error}")
        seen[name] = said

    def alloc(dev: CudaDevice, nbytes: int = 1, space: Space = Space.DEVICE) -> Any:
        return dev.alloc(nbytes, space, label="b")

    fake.order(seed=0, eager=0)
    dev = device()
    stream = dev.stream("s")
    fake.capacity(64)
    tried(
        "memory", lambda: alloc(dev, 65), lambda: alloc(dev, 65, Space.PINNED), lambda: alloc(dev)
    )
    fake.capacity(1 << 30)
    tried("size", lambda: alloc(dev, 0), lambda: alloc(dev, -1))
    one, two = alloc(dev), alloc(dev, 2)
    host = alloc(dev, 2, Space.PINNED)
    fake.fail("cuLaunchKernel", 701)
    tried("launch", *[lambda: dev.launch(SETTING.kernel, (one.view(), 1), stream)] * 2)
    tried("width", lambda: dev.launch(SETTING.kernel, (one.view(), 1 << 32), stream))
    tried("lengths", lambda: dev.copy(one.view(), two.view(), stream))
    tried("host of device", lambda: dev.host_read(one.view()))
    tried("stream twice", lambda: dev.stream("s"), lambda: dev.spawn("s", lambda: None))
    other = device()
    tried("foreign buffer", lambda: other.free(one))
    theirs = alloc(other, 2)
    tried("foreign stream", lambda: other.fill(theirs.view(), 1, stream))
    tried("foreign mark", lambda: other.wait(other.legacy, dev.record(dev.event("e"), stream)))
    fake.fail("cuMemcpyAsync", 1)
    tried("refused", *[lambda: dev.copy(two.view(), host.view(), stream)] * 2)
    dev.synchronize()
    dev.free(two)
    tried("stale", lambda: dev.free(two), lambda: dev.copy(two.view(), host.view(), stream))
    lock = dev.lock("l")
    with lock:
        tried("lock twice", lock.__enter__)

    def stops() -> None:
        raise KeyError("in a task")

    task = dev.spawn("task", stops)
    tried("task", task.join, dev.quiesce)
    return seen


@PROGRAMS.add
def failing(fake: FakeDriver) -> object:
    "Errors after which the device is lost; each is met by every later call."
    seen: dict[str, list[str]] = {}

    def tried(name: str, dev: CudaDevice) -> None:
        said = []
        for call in (dev.synchronize, lambda: dev.alloc(1, Space.DEVICE, label="b")):
            try:
                call()
                said.append("")
            except Exception as error:
                said.append(type(error).__name__)
        seen[name] = said

    fake.order(seed=0, eager=0)
    dev = device()
    stream = dev.stream("s")

    def throws(_: object) -> None:
        raise ValueError("in a host function")

    dev.host_call(throws, [], stream, label="throws")
    tried("host function", dev)

    lost = device()
    fake.fail("execute", 719)
    lost.fill(lost.alloc(1, Space.DEVICE, label="b").view(), 1, lost.stream("s"))
    tried("execution", lost)
    return seen


@PROGRAMS.add
def stuck(fake: FakeDriver) -> object:
    "A held stream ends a wait in an error, and not the others; threads have the device."
    ticks = iter(range(10**6))
    fake.order(seed=0, eager=0)
    runtime = DriverRuntime()
    dev = CudaDevice(
        runtime,
        DriverLauncher(image),
        kernels=KERNELS,
        watchdog=Watchdog(50, clock=lambda: next(ticks), pause=lambda _: None),
    )
    held, free = dev.stream("held"), dev.stream("free")
    memory = dev.alloc(2, Space.PINNED, label="memory")
    fake.hold(runtime.handle(dev._order.of(held)))

    def inside() -> None:
        dev.fill(memory.view(0, 1), 1, held)
        dev.fill(memory.view(1, 2), 2, free)

    dev.spawn("task", inside).join()
    dev.synchronize(free)
    seen: dict[str, object] = {"other": dev.host_read(memory.view(1, 2))[0]}
    try:
        dev.synchronize(held)
    except Exception as error:
        seen["says"] = f"{type(error).__name__}: {error}"
    fake.hold(runtime.handle(dev._order.of(held)), False)
    dev.synchronize(held)
    seen["later"] = dev.host_read(memory.view(0, 1))[0]
    return seen


@PROGRAMS.add
def refusals(fake: FakeDriver) -> object:
    "What the fake driver says to calls that a real one refuses."
    from threading import Thread

    from cuda.bindings import driver

    seen: dict[str, str] = {}

    def tried(name: str, call: Callable[[], Any]) -> None:
        try:
            seen[name] = call()[0].name
        except Exception as error:
            seen[name] = f"{type(error).__name__}: {error}"

    fake.order(seed=0, eager=0)
    DriverRuntime()
    other = Thread(target=lambda: tried("thread without a context", lambda: driver.cuMemAlloc(1)))
    other.start()
    other.join()
    stream, event = driver.cuStreamCreate(1)[1], driver.cuEventCreate(0)[1]
    memory, more = driver.cuMemAlloc(8)[1], driver.cuMemAlloc(16)[1]
    module = driver.cuModuleLoadData(image(COPYING) + b"\0")[1]
    kernel = driver.cuModuleGetFunction(module, b"copying")[1]
    tried("beyond the end", lambda: driver.cuMemcpyAsync(memory, more, 9, stream))
    tried("not a module", lambda: driver.cuModuleLoadData(b"no PTX\0"))
    tried("no such kernel", lambda: driver.cuModuleGetFunction(module, b"setting"))
    sizes = (1, 1, 1, 2048, 1, 1, 0)
    tried("too many threads", lambda: driver.cuLaunchKernel(kernel, *sizes, stream, 0, 0))
    calls = HostCalls()
    number = calls.add(
        lambda _: tried("a call from a host function", lambda: driver.cuMemAlloc(1)), []
    )
    driver.cuLaunchHostFunc(stream, driver.CUhostFn(calls.address), number)
    driver.cuStreamSynchronize(stream)
    driver.cuMemFree(memory)
    tried("freed twice", lambda: driver.cuMemFree(memory))
    driver.cuStreamDestroy(stream)
    driver.cuEventDestroy(event)
    tried("destroyed stream", lambda: driver.cuStreamQuery(stream))
    tried("destroyed event", lambda: driver.cuEventQuery(event))
    tried("graphs", lambda: driver.cuGraphCreate(0))
    return seen


@PROGRAMS.add
def destroyed(fake: FakeDriver) -> object:
    "A stream that is destroyed with work in it: the calls' results, and what became of the work."
    from cuda.bindings import driver

    fake.order(seed=0, eager=0)
    DriverRuntime()
    stream = driver.cuStreamCreate(1)[1]
    memory = driver.cuMemHostAlloc(4, 0)[1]
    driver.cuMemsetD8Async(memory, 7, 4, stream)
    pending = bytes((ctypes.c_ubyte * 4).from_address(memory))
    ended = [driver.cuStreamDestroy(stream)[0].name, driver.cuStreamQuery(stream)[0].name]
    driver.cuCtxSynchronize()
    return [pending != bytes([7] * 4), *ended, list((ctypes.c_ubyte * 4).from_address(memory))]


@PROGRAMS.add
def captured(fake: FakeDriver) -> object:
    "Calls that a capture forbids: what each says, and what the capture ends in."
    from cuda.bindings import driver

    fake.order(seed=0, eager=0)
    DriverRuntime()
    mode = driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_GLOBAL
    memory = driver.cuMemAlloc(8)[1]
    seen = {}
    forbidden: dict[str, Callable[[Any], Any]] = {
        "nothing": lambda stream: driver.cuMemsetD8Async(memory, 1, 8, stream),
        "synchronize": driver.cuStreamSynchronize,
        "query": driver.cuStreamQuery,
        "allocate": lambda stream: driver.cuMemAlloc(8),
        "wait for a value": lambda stream: driver.cuStreamWaitValue32(stream, memory, 1, 0),
    }
    for name, call in forbidden.items():
        stream = driver.cuStreamCreate(1)[1]
        driver.cuStreamBeginCapture(stream, mode)
        said = call(stream)[0].name
        seen[name] = [said, driver.cuStreamEndCapture(stream)[0].name]
    stream = driver.cuStreamCreate(1)[1]
    seen["legacy"] = [driver.cuStreamBeginCapture(0, mode)[0].name]
    seen["no capture"] = [driver.cuStreamEndCapture(stream)[0].name]
    return seen


if __name__ == "__main__":
    PROGRAMS.main()
