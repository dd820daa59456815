"""Programs of real torch on the fake tier: litmus, staging, allocator facts, refusals.

`test_torch_on_fake.py` runs each in a process of its own. They decide nothing; each says what it
saw.
"""

from __future__ import annotations

from typing import Any

from tier_process import Bench, Programs
from torch_litmus import GUARDS, INPUTS, STAGING, WIDTH, staged

from kvcheck.litmus import SUITE, Program, run_on
from kvcheck.litmus.gated import records
from kvcheck.litmus.kernels import KERNELS
from kvimpl.device.cuda import CudaDevice, GatedDevice, TorchRuntime, Watchdog
from kvimpl.device.port import DeviceError
from kvimpl.device.sim import Pageable

PROGRAMS = Programs()
ORDERS = [(0, 0), (0, 100), *[(seed, 35) for seed in range(30)]]
MANY = [*[(seed, 0) for seed in range(50)], *[(seed, 30) for seed in range(50)]]


class NeverWaits(TorchRuntime):
    "The planted mistake: streams do not wait for events."

    def wait(self, stream: Any, event: Any) -> None:
        pass


def outcomes(bench: Bench, program: Program, runtime: type[TorchRuntime]) -> list[str]:
    "What the program ended in on the CUDA device over torch, over many orders."
    found = set()
    bench.fake.pageable_late(program.pageable is Pageable.LATE)
    for number, (seed, eager) in enumerate(ORDERS):
        bench.fake.order(seed=seed, eager=eager)
        watchdog = Watchdog() if number % 2 else None
        dev = CudaDevice(runtime(), bench.launcher, kernels=KERNELS, watchdog=watchdog)
        try:
            found.add(repr(tuple(map(int, run_on(dev, program)))))
        except DeviceError as error:
            return [type(error).__name__]
        dev.close()
    return sorted(found)


@PROGRAMS.add
def litmus(bench: Bench) -> object:
    "Of each litmus program: its outcomes, over torch and over one that never waits."
    right = {name: outcomes(bench, test.program, TorchRuntime) for name, test in SUITE.items()}
    told = "wait_uses_the_latest_record"
    return {"right": right, "planted": outcomes(bench, SUITE[told].program, NeverWaits)}


@PROGRAMS.add
def gated(bench: Bench) -> object:
    "Of each program that torch has the streams for: what each of its outcomes, forced, ended in."
    got: dict[str, dict[str, list[str]]] = {}
    for name, test in SUITE.items():
        if test.program.blocking:
            continue
        bench.fake.pageable_late(test.program.pageable is Pageable.LATE)
        got[name] = {}
        for record in records(test.program)[0]:
            found = []
            for pace in (0, 100):
                bench.fake.order(seed=1, eager=pace)
                runtime = TorchRuntime()
                dev = CudaDevice(runtime, bench.launcher, kernels=KERNELS)
                held = GatedDevice(dev, runtime, record.steps)
                found.append(repr(tuple(map(int, run_on(held, test.program)))))
                held.close()
            got[name][repr(tuple(map(int, record.outcome)))] = found
    return got


@PROGRAMS.add
def staging(bench: Bench) -> object:
    "Of each design: in how many orders of the slow and of the middling device rows were wrong."
    table = {}
    for design in STAGING:
        wrong = {0: 0, 30: 0}
        for seed, eager in MANY:
            bench.fake.order(seed=seed, eager=eager)
            wrong[eager] += staged(bench, design) != (0, 1, 2)
        table[design] = [wrong[0], wrong[30]]
    return table


@PROGRAMS.add
def guards(bench: Bench) -> object:
    "Of each wrong guard, and of each input without one: in how many orders rows were wrong."
    designs = (*GUARDS, *INPUTS)
    table = dict.fromkeys(designs, 0)
    for design in designs:
        for seed, eager in MANY:
            bench.fake.order(seed=seed, eager=eager)
            table[design] += staged(bench, design) != (0, 1, 2)
    return table


@PROGRAMS.add
def trapped(bench: Bench) -> object:
    "Of each design on the slow device: the first early access of the host, or none."
    bench.fake.order(seed=0, eager=0)
    table = {}
    for design in STAGING:
        bench.fake.traps(True)
        staged(bench, design)
        table[design] = [len(bench.fake.trapped), *bench.fake.trapped[:1]]
        bench.fake.traps(False)
    return table


@PROGRAMS.add
def near(bench: Bench) -> object:
    "The host touches other bytes of a page that a kernel will read, then reads and writes those."
    bench.fake.order(seed=0, eager=0)
    h, row, stream = bench.pinned(WIDTH, 1), bench.device(256), bench.torch.cuda.Stream()
    bench.torch.cuda.synchronize()
    seen = []
    for touch in (lambda: h[512:].fill_(2), lambda: h[:256].sum(), lambda: h[:256].fill_(3)):
        bench.fake.traps(True)
        bench.gather(row, h[:256], stream)
        touch()
        seen.append([len(bench.fake.trapped), bench.fake.near_count])
        bench.torch.cuda.synchronize()
        bench.fake.traps(False)
    return seen


def reused(bench: Bench, way: str) -> list[object]:
    "Three fresh pinned buffers, shipped and dropped: what arrived, and how many there really were."
    torch, stream = bench.torch, bench.torch.cuda.Stream()
    counts = {"whole": WIDTH, "strided": WIDTH // 4}
    rows, addresses = [bench.device(counts.get(way, 256)) for _ in range(3)], set()
    torch.cuda.synchronize()
    for step in range(3):
        h = bench.pinned(WIDTH, step)
        addresses.add(h.data_ptr())
        source = {
            "whole": lambda h=h: h,
            "slice": lambda h=h: h[256:512],
            "alias": lambda h=h: torch.from_numpy(h.numpy()[:256]),
            "alias with an offset": lambda h=h: torch.from_numpy(h.numpy()[256:512]),
            "strided": lambda h=h: h[::4],
        }[way]()
        with torch.cuda.stream(stream):
            rows[step].copy_(source, non_blocking=True)
        del h, source
    return [[bench.first(row) for row in rows], len(addresses)]


def noted(bench: Bench, reader: str) -> int:
    "A buffer that a copy and then a kernel read, dropped and taken again: what the kernel read."
    torch = bench.torch
    a, b = torch.cuda.Stream(), torch.cuda.Stream()
    row, other = bench.device(WIDTH), bench.device(WIDTH)
    h = bench.pinned(WIDTH, 1)
    torch.cuda.synchronize()
    bench.fake.hold(b.cuda_stream)
    with torch.cuda.stream(a):
        other.copy_(h, non_blocking=True)
    bench.gather(row, h, a if reader == "same stream" else b)
    del h
    a.synchronize()
    bench.pinned(WIDTH, 2)
    bench.fake.hold(b.cuda_stream, False)
    return bench.first(row)


def shared(bench: Bench, is_recorded: bool) -> list[object]:
    "A device block used on a second stream, dropped, taken again: the same block? what was read?"
    torch = bench.torch
    a, b = torch.cuda.Stream(), torch.cuda.Stream()
    out, two = bench.device(WIDTH), bench.device(WIDTH, 2)
    with torch.cuda.stream(a):
        x = bench.device(WIDTH, 1)
    torch.cuda.synchronize()
    bench.fake.hold(b.cuda_stream)
    bench.gather(out, x, b)
    if is_recorded:
        x.record_stream(b)
    address = x.data_ptr()
    del x
    with torch.cuda.stream(a):
        y = torch.empty(WIDTH, dtype=torch.uint8, device="cuda")
        y.copy_(two, non_blocking=True)
    a.synchronize()
    bench.fake.hold(b.cuda_stream, False)
    return [y.data_ptr() == address, bench.first(out)]


@PROGRAMS.add
def facts(bench: Bench) -> object:
    "What the allocators and events of torch do, on a device that executes nothing by itself."
    from cuda.bindings import driver

    bench.fake.order(seed=0, eager=0)
    torch = bench.torch
    event, streams = torch.cuda.Event(), [torch.cuda.Stream() for _ in range(33)]
    return {
        "reuse": {way: reused(bench, way) for way in WAYS},
        "kernel behind a copy": [noted(bench, way) for way in ("same stream", "another")],
        "device": [shared(bench, False), shared(bench, True)],
        "unrecorded": event.query(),
        "flags": int(driver.cuStreamGetFlags(streams[0].cuda_stream)[1]),
        "streams": len({stream.cuda_stream for stream in streams}),
    }


WAYS = ("whole", "slice", "alias", "alias with an offset", "strided")


def said(does: Any) -> str:
    "The first line of the error."
    try:
        does()
    except Exception as error:
        return str(error).partition("\n")[0]
    return "no error"


@PROGRAMS.add
def refusals(bench: Bench) -> object:
    "What is said of a kernel of torch's, of libraries, and of what a capture forbids."
    torch = bench.torch
    whole, pinned = bench.device(4), bench.pinned(4, 1)
    row = torch.empty((2, 2), device="cuda")
    got = {
        "kernel": said(lambda: whole.fill_(3)),
        "library": said(lambda: torch.mm(row, row)),
    }
    torch.cuda.synchronize()
    stream = torch.cuda.Stream()
    from cuda.bindings import driver

    def capture(does: Any) -> list[int]:
        driver.cuStreamBeginCapture(
            stream.cuda_stream, driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_GLOBAL
        )
        result = does()
        ended = driver.cuStreamEndCapture(stream.cuda_stream)
        return [int(result[0]), int(ended[0])]

    got["capture"] = {
        "synchronise": capture(lambda: driver.cuStreamSynchronize(stream.cuda_stream)),
        "query": capture(lambda: driver.cuStreamQuery(stream.cuda_stream)),
        "allocate": capture(lambda: driver.cuMemAlloc(64)),
        "copy": capture(
            lambda: driver.cuMemcpyAsync(whole.data_ptr(), pinned.data_ptr(), 4, stream.cuda_stream)
        ),
    }
    made = driver.cuStreamCreate(1)[1]
    driver.cuMemsetD8Async(whole.data_ptr(), 7, 4, made)
    destroyed, later = driver.cuStreamDestroy(made), driver.cuStreamQuery(made)
    got["destroyed"] = [int(destroyed[0]), int(later[0]), bench.first(whole)]
    return got


if __name__ == "__main__":
    PROGRAMS.main()
