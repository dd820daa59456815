"""Programs of the CUDA device on the fake driver: what its work ends in, under many orders.

`test_cuda_on_fake.py` runs each in a process of its own. They decide nothing; each says what it
saw.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from fake_process import Programs

from kvcheck.litmus import SUITE, Outcome, run_on
from kvcheck.litmus.kernels import COPYING, KERNELS
from kvimpl.device.cuda import CudaDevice, DriverLauncher, DriverRuntime, Watchdog
from kvimpl.device.fake import FakeDriver, image
from kvimpl.device.port import DeviceFailed, Space
from kvimpl.device.sim import Pageable

PROGRAMS = Programs()
ORDERS = [(0, 0), (0, 100), *[(seed, 35) for seed in range(30)]]
"""Seeds, and how eager the device is in per cent."""


def device(*, watchdog: Watchdog | None = None) -> CudaDevice:
    return CudaDevice(DriverRuntime(), DriverLauncher(image), kernels=KERNELS, watchdog=watchdog)


@PROGRAMS.add
def litmus(fake: FakeDriver) -> object:
    "Of each litmus test: what it ended in, over many orders and both ways of waiting."
    seen = {}
    for name, test in SUITE.items():
        fake.pageable_late(test.program.pageable is Pageable.LATE)
        found = set()
        for number, (seed, eager) in enumerate(ORDERS):
            fake.order(seed=seed, eager=eager)
            dev = device(watchdog=Watchdog() if number % 2 else None)
            found.add(run_on(dev, test.program))
            dev.close()
        seen[name] = sorted(found)
    return {"seen": seen, "live": fake.live}


@PROGRAMS.add
def planted(fake: FakeDriver) -> object:
    "Of each wrong backend: which litmus tests end in what is not allowed, or not at all."

    class NeverWaits(DriverRuntime):
        "Streams do not wait for events."

        def wait(self, stream: Any, event: Any) -> None:
            pass

    class NeverAwaits(DriverRuntime):
        "The host does not wait for events."

        def await_done(self, event: Any) -> None:
            pass

    class AlwaysDone(DriverRuntime):
        "Every event has completed."

        def is_done(self, event: Any) -> bool:
            return True

    class NeverBlocks(DriverRuntime):
        "Blocking streams are made non-blocking."

        def stream(self, *, blocking: bool) -> Any:
            return super().stream(blocking=False)

    class OnTheLegacyStream(DriverLauncher):
        "Kernels go to the default stream, as CuPy's do if nobody says otherwise."

        def launch(self, source: Any, call: Any, stream: int) -> None:
            super().launch(source, call, 0)

    def caught(runtime: type[DriverRuntime], launcher: type[DriverLauncher]) -> list[str]:
        wrong = set()
        for name, test in SUITE.items():
            fake.pageable_late(test.program.pageable is Pageable.LATE)
            for seed, eager in ORDERS[:8]:
                fake.order(seed=seed, eager=eager)
                dev = CudaDevice(runtime(), launcher(image), kernels=KERNELS, watchdog=None)
                outcome: Outcome | None = None
                with suppress(DeviceFailed):
                    outcome = run_on(dev, test.program)
                fake.restart()
                if outcome not in test.allowed:
                    wrong.add(name)
        return sorted(wrong)

    return {
        "right": caught(DriverRuntime, DriverLauncher),
        **{kind.__name__: caught(kind, DriverLauncher) for kind in DriverRuntime.__subclasses__()},
        "OnTheLegacyStream": caught(DriverRuntime, OnTheLegacyStream),
    }


@PROGRAMS.add
def campaign(fake: FakeDriver) -> object:
    "The block manager, each step judged by its design, each hit's bytes compared."
    from test_blocks_on_sim import Campaign

    hits = 0
    for seed, eager in [(0, 0), (0, 100), *[(seed, 30) for seed in range(6)]]:
        fake.order(seed=seed, eager=eager)
        dev = device()
        hits += Campaign(seed, primary=2 + seed % 2)(dev)
        assert dev.close() == ()
    live = fake.live
    return {"hits": hits, "live": live, "executed": fake.executed, "found": bugs_found(fake)}


def bugs_found(fake: FakeDriver) -> dict[str, int]:
    "Of each bug that only bytes show: under how many of 10 orders some bytes were wrong."
    from test_blocks_on_sim import Campaign

    from kvimpl.bugs import BUGS, Evidence

    found = {}
    for bug in BUGS.values():
        if bug.evidence is Evidence.BYTES:
            found[bug.id] = 0
            for seed in range(10):
                fake.order(seed=seed, eager=20)
                try:
                    Campaign(seed, bug=bug)(device())
                except AssertionError:
                    found[bug.id] += 1
    return found


@PROGRAMS.add
def meeting(fake: FakeDriver) -> object:
    "A reader on a real thread pins and reads while the scheduler offloads."
    from test_blocks_readers_on_sim import Meeting

    slots = []
    for seed in range(20):
        fake.order(seed=seed, eager=30)
        dev = device(watchdog=Watchdog())
        slots += list(Meeting()(dev))
        dev.close()
    return {"reads": len(slots), "live": fake.live}


@PROGRAMS.add
def lockstep(fake: FakeDriver) -> object:
    "The checker's own judge over a payload run, and over a manager with a known bug."
    from payload_run import payload_run

    from kvimpl.bugs import BUGS

    fake.order(seed=3, eager=30)
    right = payload_run(device(), steps=400, seed=1)
    fake.order(seed=3, eager=30)
    wrong = payload_run(device(), steps=400, seed=1, build=BUGS["s1-1"].build)
    return {"right": right, "wrong": wrong, "executed": fake.executed}


@PROGRAMS.add
def marks(fake: FakeDriver) -> object:
    "Whether an earlier mark keeps its meaning, here and with one CUDA event for each event."
    from kvimpl.device.cuda.order import Order, Recording, Variable
    from kvimpl.device.port import Event, Stream

    class OneEvent(Order):
        "The planted mistake: a mark is whatever its event holds by now."

        def mark(self, event: Event, stream: Stream) -> Any:
            variable: Variable = self.variable(event)
            if variable.latest is None:
                variable.latest = Recording(self, self.runtime.event())
            variable.latest.record(self.of(stream))
            return super().mark(event, stream).__class__(0, event, stream, variable.latest)

    def earlier_mark_is_done(order: type[Order] | None) -> list[bool]:
        fake.order(seed=0, eager=0)
        dev = device()
        if order is not None:
            dev._order.__class__ = order
        stream, event = dev.stream("s"), dev.event("e")
        memory = dev.alloc(1, Space.DEVICE, label="memory")
        early = dev.record(event, stream)
        while fake.step():
            pass
        dev.fill(memory.view(), 1, stream)
        late = dev.record(event, stream)
        return [dev.query(early), dev.query(late)]

    dev = device()
    stream, event = dev.stream("s"), dev.event("e")
    before = fake.live["events"]
    for _ in range(500):
        dev.record(event, stream)
    return {
        "ours": earlier_mark_is_done(None),
        "planted": earlier_mark_is_done(OneEvent),
        "events": fake.live["events"] - before,
    }


@PROGRAMS.add
def lives(fake: FakeDriver) -> object:
    "Whether memory that a kernel still reads is kept, here and with a free that does not look."
    from kvimpl.device.cuda.lives import Lives

    class AtOnce(Lives):
        "The planted mistake: freed is given back."

        def end(self, buffer: Any, recordings: Any) -> None:
            super().end(buffer, [])

    def outcome(lives: type[Lives] | None) -> list[object]:
        fake.order(seed=0, eager=0)
        dev = device()
        if lives is not None:
            dev._lives.__class__ = lives
        stream = dev.stream("s")
        pinned = dev.alloc(1, Space.PINNED, label="pinned")
        target = dev.alloc(1, Space.PINNED, label="target")
        dev.host_write(pinned.view(), b"\7")
        dev.launch(COPYING.kernel, (target.view(), pinned.view()), stream)
        dev.free(pinned)
        kept = dev.kept_count
        try:
            dev.synchronize()
            read = list(dev.host_read(target.view()))
            dev.free(target)
            dev.close()
            return [kept, read, dev.kept_count]
        except Exception as error:
            return [kept, type(error).__name__]

    return {"ours": outcome(None), "planted": outcome(AtOnce)}


if __name__ == "__main__":
    PROGRAMS.main()
