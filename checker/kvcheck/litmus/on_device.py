"""A litmus program on a device, through the port and nothing else.

It decides which calls of the port an instruction is; the device decides what they mean. Three
instructions have no call of their own: a batch is side streams between two events, which is all the
order that CUDA promises of it; a copy by an unknown address is the kernel that reads the same byte,
since the allocator notes neither; torch's device allocator is its rule, kept over marks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from kvcheck.litmus.kernels import COPYING, SETTING
from kvcheck.litmus.program import LEGACY, NOT_REACHED, Outcome, Program, Step, Verb, space_of
from kvimpl.device.port import Buffer, Device, Event, Mark, Mode, Space, Stream


def run_on(dev: Device, program: Program) -> Outcome:
    """Run the program: what was seen, and the end bytes when all work has completed.

    A program without end bytes may leave work behind, which is the device's to drain.
    """
    run = _Run(dev, program)
    others = [
        dev.spawn(f"t{number}", run.thread(number)) for number in range(1, len(program.threads))
    ]
    run.thread(0)()
    for other in others:
        other.join()
    if program.ends:
        dev.synchronize()
    seen = [
        run.seen.get((thread, number), NOT_REACHED)
        for thread, steps in enumerate(program.threads)
        for number, step in enumerate(steps)
        if step.verb in (Verb.READ, Verb.QUERY)
    ]
    return (*seen, *(run.final(name) for name in program.ends))


class _Run:
    def __init__(self, dev: Device, program: Program) -> None:
        self.dev = dev
        self.program = program
        self.seen: dict[tuple[int, int], int] = {}
        self.answers: dict[str, bool] = {}
        self.marks: dict[str, Mark] = {}
        self.uses: dict[str, list[Stream]] = {}
        self.free_block: tuple[Buffer, list[Mark]] | None = None
        self.streams: dict[str, Stream] = {}
        for name in program.streams:
            is_blocking = name in program.blocking
            self.streams[name] = (
                dev.legacy if name == LEGACY else dev.stream(name, blocking=is_blocking)
            )
        self.events = {name: dev.event(name) for name in program.events}
        self.places = {name: self.alloc(name) for name, _ in program.start}
        for name, value in program.start:
            if space_of(name) is Space.DEVICE:
                dev.fill(self.places[name].view(), value, dev.legacy)
            else:
                dev.host_write(self.places[name].view(), bytes([value]))
        dev.synchronize()

    def alloc(self, name: str) -> Buffer:
        return self.dev.alloc(1, space_of(name), label=name)

    def thread(self, thread: int) -> Callable[[], None]:
        def body() -> None:
            for number, step in enumerate(self.program.threads[thread]):
                if not step.when or self.answers[step.when]:
                    DOES[step.verb](self, step, (thread, number))

        return body

    def on(self, name: str) -> Event | Mark | Stream:
        return self.marks.get(name) or self.events.get(name) or self.streams[name]

    def final(self, name: str) -> int:
        place = self.places[name]
        if place.space is Space.DEVICE:
            back = self.dev.alloc(1, Space.PINNED, label="back")
            self.dev.copy(back.view(), place.view(), self.dev.legacy)
            self.dev.synchronize()
            place = back
        return self.dev.host_read(place.view())[0]

    # -- the host's own

    def write(self, step: Step, at: tuple[int, int]) -> None:
        self.dev.host_write(self.places[step.to].view(), bytes([step.value]))

    def read(self, step: Step, at: tuple[int, int]) -> None:
        self.seen[at] = self.dev.host_read(self.places[step.source].view())[0]

    def query(self, step: Step, at: tuple[int, int]) -> None:
        self.seen[at] = self.answers[step.result] = self.dev.query(self.on(step.on))

    def sync(self, step: Step, at: tuple[int, int]) -> None:
        self.dev.synchronize(self.on(step.on) if step.on else None)

    def destroy(self, step: Step, at: tuple[int, int]) -> None:
        self.events[step.on] = self.dev.event(step.on)

    # -- allocators

    def free(self, step: Step, at: tuple[int, int]) -> None:
        buffer = self.places[step.to]
        if buffer.space is Space.DEVICE:
            users = self.uses.get(step.to, [])
            marks = [self.dev.record(self.dev.event(f"free {buffer.label}"), s) for s in users]
            self.free_block = (buffer, marks)
        else:
            self.dev.free(buffer)

    def allocate(self, step: Step, at: tuple[int, int]) -> None:
        block = self.free_block
        reusable = block is not None and space_of(step.to) is Space.DEVICE
        if block and reusable and all(self.dev.query(mark) for mark in block[1]):
            self.places[step.to], self.free_block = block[0], None
        else:
            self.places[step.to] = self.alloc(step.to)

    def used(self, step: Step, at: tuple[int, int]) -> None:
        self.uses.setdefault(step.to, []).append(self.streams[step.stream])

    # -- work

    def set(self, step: Step, at: tuple[int, int]) -> None:
        value = self.dev.host_read(self.places[step.source].view())[0] if step.source else 0
        target = self.places[step.to].view()
        self.dev.launch(SETTING.kernel, (target, value or step.value), self.streams[step.stream])

    def copy(self, step: Step, at: tuple[int, int]) -> None:
        to, source = self.places[step.to].view(), self.places[step.source].view()
        self.dev.copy(to, source, self.streams[step.stream])

    def kernel(self, step: Step, at: tuple[int, int]) -> None:
        to, source = self.places[step.to].view(), self.places[step.source].view()
        self.dev.launch(COPYING.kernel, (to, source), self.streams[step.stream])

    def call(self, step: Step, at: tuple[int, int]) -> None:
        touches = [(self.places[step.to].view(), Mode.WRITE)]
        data = bytes([step.value])
        stream = self.streams[step.stream]
        self.dev.host_call(lambda places: places[0].write(data), touches, stream, label="f")

    def batch(self, step: Step, at: tuple[int, int]) -> None:
        dev, stream = self.dev, self.streams[step.stream]
        before = dev.record(dev.event("before"), stream)
        done = []
        for number, (to, source) in enumerate(step.copies):
            side = dev.stream(f"{step.stream}.{at[1]}.{number}")
            dev.wait(side, before)
            dev.copy(self.places[to].view(), self.places[source].view(), side)
            done.append(dev.record(dev.event("done"), side))
        for mark in done:
            dev.wait(stream, mark)

    def record(self, step: Step, at: tuple[int, int]) -> None:
        mark = self.dev.record(self.events[step.on], self.streams[step.stream])
        if step.mark:
            self.marks[step.mark] = mark

    def wait(self, step: Step, at: tuple[int, int]) -> None:
        on = self.on(step.on)
        assert not isinstance(on, Stream), "a stream waits for an event or a mark"
        self.dev.wait(self.streams[step.stream], on)


DOES: Mapping[Verb, Callable[[_Run, Step, tuple[int, int]], None]] = MappingProxyType(
    {
        Verb.WRITE: _Run.write,
        Verb.READ: _Run.read,
        Verb.QUERY: _Run.query,
        Verb.SYNC: _Run.sync,
        Verb.FREE: _Run.free,
        Verb.ALLOC: _Run.allocate,
        Verb.DESTROY: _Run.destroy,
        Verb.SET: _Run.set,
        Verb.SET_FROM: _Run.set,
        Verb.COPY: _Run.copy,
        Verb.KERNEL: _Run.kernel,
        Verb.ALIAS: _Run.kernel,
        Verb.REPLAY: _Run.copy,
        Verb.CALL: _Run.call,
        Verb.BATCH: _Run.batch,
        Verb.RECORD: _Run.record,
        Verb.WAIT: _Run.wait,
        Verb.USES: _Run.used,
    }
)
