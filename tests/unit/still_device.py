"""A device on which nothing completes until the test says so: bytes, streams and marks only.

It decides nothing about races; the simulated device does. The idea: each stream is a list of works
with what they wait for, `run` executes what may execute, and `breaks` makes the next calls fail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from kvimpl.device.port import Buffer, DeviceError, Event, Mark, OutOfMemory, Space, Stream, View


@dataclass(eq=False)
class Work:
    "One thing in a stream: it may run once everything in `after` has."

    does: Callable[[], None]
    after: list[Work]
    label: str
    done: bool = False


class WatchedLock:
    "A lock that can say whether it is held."

    def __init__(self) -> None:
        self._lock = Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    @property
    def is_held(self) -> bool:
        return self._lock.locked()


@dataclass
class StillDevice:
    "As much of the device port as a block manager uses."

    capacity: int = 1 << 20
    breaks: dict[str, DeviceError] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    locks: list[WatchedLock] = field(default_factory=list)
    live: dict[int, bytearray] = field(default_factory=dict)
    works: dict[int, list[Work]] = field(default_factory=dict)
    marks: dict[int, list[Work]] = field(default_factory=dict)
    waits: dict[int, list[Work]] = field(default_factory=dict)

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name in self.breaks:
            raise self.breaks[name]

    def alloc(self, nbytes: int, space: Space, *, label: str) -> Buffer:
        self._call("alloc")
        if sum(map(len, self.live.values())) + nbytes > self.capacity:
            raise OutOfMemory(f"{nbytes} bytes of {space.value}")
        number = len(self.calls)
        self.live[number] = bytearray(nbytes)
        return Buffer(number, number, 1, space, nbytes, label)

    def free(self, buffer: Buffer) -> None:
        self._call("free")
        del self.live[buffer.number]

    def stream(self, name: str, *, blocking: bool = False) -> Stream:
        self._call("stream")
        number = len(self.works)
        self.works[number], self.waits[number] = [], []
        return Stream(number, name, blocking)

    def event(self, name: str) -> Event:
        return Event(len(self.calls), name)

    def record(self, event: Event, stream: Stream) -> Mark:
        self._call("record")
        number = len(self.marks)
        self.marks[number] = self._before(stream)
        return Mark(number, event, stream)

    def wait(self, stream: Stream, on: Mark) -> None:
        self._call("wait")
        known = self.waits[stream.number]
        known += [work for work in self.marks[on.number] if work not in known]

    def query(self, on: Mark) -> bool:
        self._call("query")
        return all(work.done for work in self.marks[on.number])

    def synchronize(self, on: Stream) -> None:
        self._call("synchronize")
        self.run()

    def copy(self, destination: View, source: View, stream: Stream, *, label: str = "copy") -> None:
        self._call("copy")
        self._enqueue(lambda: self.poke(destination, self.peek(source)), stream, label)

    def fill(self, destination: View, byte: int, stream: Stream, *, label: str = "fill") -> None:
        self._call("fill")
        self._enqueue(
            lambda: self.poke(destination, bytes([byte]) * destination.nbytes), stream, label
        )

    def lock(self, name: str) -> WatchedLock:
        self.locks.append(WatchedLock())
        return self.locks[-1]

    # ---- what only tests call

    def _enqueue(self, does: Callable[[], None], stream: Stream, label: str) -> None:
        work = Work(does, self._before(stream), label)
        self.works[stream.number].append(work)

    def _before(self, stream: Stream) -> list[Work]:
        "What new work of a stream comes after, and is not done yet."
        for works in (self.works, self.waits):
            works[stream.number] = [work for work in works[stream.number] if not work.done]
        return [*self.works[stream.number], *self.waits[stream.number]]

    def run(self, *, stream: int | None = None, limit: int = 1 << 30) -> list[str]:
        "Execute what may execute: the last stream's first, or that stream's only."
        ran: list[str] = []
        while len(ran) < limit and (ready := self._ready(stream)):
            ready.does()
            ready.done = True
            ran.append(ready.label)
        return ran

    def _ready(self, stream: int | None) -> Work | None:
        for number, works in reversed(self.works.items()):
            for work in works:
                fits = stream is None or stream == number
                if not work.done and fits and all(other.done for other in work.after):
                    return work
        return None

    def peek(self, view: View) -> bytes:
        return bytes(self.live[view.buffer.number][view.start : view.stop])

    def poke(self, view: View, data: bytes) -> None:
        self.live[view.buffer.number][view.start : view.stop] = data
