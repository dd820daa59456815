"""Litmus programs and staging designs in torch's own words, for tools that watch torch.

It decides how an instruction is said in torch: device bytes are set and read by torch's copies, a
kernel that reads pinned memory is the program's own, since torch has none. What torch has no word
for is not said: `Inexpressible` names it.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from tier_process import Bench

from kvcheck.litmus import Program
from kvcheck.litmus.notation import program
from kvcheck.litmus.program import LEGACY, Pageable, Space, Step, Verb, space_of

NO_WORD = {
    Verb.CALL: "torch enqueues no host functions",
    Verb.BATCH: "torch has no batch of copies",
    Verb.REPLAY: "capture of one copy is not expressed",
}
WIDTH, ALIASED = 1024, 256


class Inexpressible(Exception):
    "torch has no word for it."


def refuse(program: Program) -> None:
    "Raises: Inexpressible, saying what torch has no word for."
    if len(program.threads) > 1:
        raise Inexpressible("several host threads")
    if program.blocking:
        raise Inexpressible("torch has no blocking streams but the default one")
    if program.pageable is Pageable.LATE:
        raise Inexpressible("the same calls as its staged twin")
    for step in program.steps:
        if step.verb in NO_WORD:
            raise Inexpressible(NO_WORD[step.verb])


class Said:
    "One run of a litmus program in torch."

    def __init__(self, bench: Bench, program: Program) -> None:
        torch = bench.torch
        self.bench, self.torch = bench, torch
        self.streams = {
            name: torch.cuda.default_stream() if name == LEGACY else torch.cuda.Stream()
            for name in program.streams
        }
        self.events = {name: torch.cuda.Event() for name in program.events}
        self.marks: dict[str, Any] = {}
        # torch's allocator keeps a list of free blocks a stream: all are of one stream.
        self.home = self.streams.get("a", torch.cuda.default_stream())
        self.places = {name: self.place(name, value) for name, value in program.start}
        values = {step.value for step in program.steps} | {value for _, value in program.start}
        self.constants = {value: bench.device(WIDTH, value) for value in sorted(values)}
        self.answers: dict[str, bool] = {}
        torch.cuda.synchronize()

    def place(self, name: str, value: int | None = None) -> Any:
        space = space_of(name)
        if space is Space.DEVICE:
            with self.torch.cuda.stream(self.home):
                return self.bench.device(WIDTH, value)
        if space is Space.PINNED:
            return self.bench.pinned(WIDTH, value)
        made = self.torch.empty(WIDTH, dtype=self.torch.uint8)
        return made if value is None else made.fill_(value)

    def run(self, program: Program) -> None:
        for step in program.steps:
            if not step.when or self.answers[step.when]:
                getattr(self, step.verb.name.lower())(step)

    def on(self, name: str) -> Any:
        return self.marks.get(name) or self.events.get(name) or self.streams[name]

    def copied(self, to: Any, source: Any, stream: str) -> None:
        with self.torch.cuda.stream(self.streams[stream]):
            to.copy_(source, non_blocking=True)

    def write(self, step: Step) -> None:
        self.places[step.to].fill_(step.value)

    def read(self, step: Step) -> None:
        self.places[step.source].sum()

    def query(self, step: Step) -> None:
        self.answers[step.result] = self.on(step.on).query()

    def sync(self, step: Step) -> None:
        (self.on(step.on) if step.on else self.torch.cuda).synchronize()

    def free(self, step: Step) -> None:
        del self.places[step.to]

    def alloc(self, step: Step) -> None:
        self.places[step.to] = self.place(step.to)

    def destroy(self, step: Step) -> None:
        self.events[step.on] = self.torch.cuda.Event()

    def set(self, step: Step) -> None:
        self.copied(self.places[step.to], self.constants[step.value], step.stream)

    def set_from(self, step: Step) -> None:
        value = int(self.places[step.source][0])
        self.copied(self.places[step.to], self.constants[value], step.stream)

    def copy(self, step: Step) -> None:
        self.copied(self.places[step.to], self.places[step.source], step.stream)

    def kernel(self, step: Step) -> None:
        to, source = self.places[step.to], self.places[step.source]
        if to.is_cuda and source.is_cuda:
            self.copied(to, source, step.stream)
        else:
            self.bench.gather(to, source, self.streams[step.stream])

    def alias(self, step: Step) -> None:
        source = self.torch.from_numpy(self.places[step.source].numpy()[ALIASED:])
        self.copied(self.places[step.to][ALIASED:], source, step.stream)

    def record(self, step: Step) -> None:
        if step.mark:
            self.events[step.on] = self.marks[step.mark] = self.torch.cuda.Event()
        elif self.events[step.on] in self.marks.values():
            self.events[step.on] = self.torch.cuda.Event()
        self.events[step.on].record(self.streams[step.stream])

    def wait(self, step: Step) -> None:
        self.streams[step.stream].wait_event(self.on(step.on))

    def uses(self, step: Step) -> None:
        self.places[step.to].record_stream(self.streams[step.stream])


QUERY_ORDERS_STREAMS = program("D=0", "a: D=1; a: record e; q=query e; if q: b: D=2", ends="D")
"""Not racy: the second stream's work is enqueued only when the first one's is known to be done."""


def overlapping(bench: Bench) -> None:
    "Racy: two streams write bytes of one tensor through views that begin at different places."
    torch, whole = bench.torch, bench.device(WIDTH, 0)
    one, two = torch.cuda.Stream(), torch.cuda.Stream()
    source = bench.device(WIDTH, 1)
    torch.cuda.synchronize()
    with torch.cuda.stream(one):
        whole.copy_(source, non_blocking=True)
    with torch.cuda.stream(two):
        whole[ALIASED:].copy_(source[ALIASED:], non_blocking=True)


STEPS = 3
RIGHT = (0, 1, 2)
STAGING: dict[str, bool] = {
    "v1 persistent": True,
    "v1 fresh": False,
    "v2 persistent": True,
    "v2 naive fresh": True,
    "v2 guarded": False,
    "v2 fresh, then copied": False,
}
"""The ways to ship a row that the host fills at each step, and whether they are racy."""

EARLY, UNASKED = "v2 event before the gather", "v2 retired without a query"
ELSEWHERE = "v2 event on another stream"
GUARDS = {EARLY: True, UNASKED: True, ELSEWHERE: True}
"""The guarded one with a wrong guard; whether bytes are wrong depends on what a query said."""


INDEX, REBOUND = "v2 index in place", "v2 slot rebound at once"
INPUTS = {INDEX: True, REBOUND: True}
"""The guarded one with one of its two inputs left out: the copy index, or the rows of a slot that
has a new request, whose guard is the old one's."""
REQUESTS = (0, 0, 1)
"""Whose rows the slot holds, step by step."""


def staged(bench: Bench, design: str) -> tuple[int, ...]:
    "The rows that arrived, step by step; of a kept index, what the kernel read of it."
    torch, stream = bench.torch, bench.torch.cuda.Stream()
    other = torch.cuda.Stream()
    is_fresh = "persistent" not in design and design != REBOUND
    is_copy = design.startswith("v1")
    kept, index = bench.pinned(WIDTH), bench.pinned(WIDTH)
    reading: dict[int, Any] = {}
    tables, guarded = [bench.device(WIDTH) for _ in range(STEPS)], deque[Any]()
    torch.cuda.synchronize()
    for step, table in enumerate(tables):
        rows = bench.pinned(WIDTH) if is_fresh else kept
        if design == REBOUND and REQUESTS[step] in reading:
            reading[REQUESTS[step]].synchronize()
        rows.fill_(step)
        early, late = torch.cuda.Event(), torch.cuda.Event()
        early.record(stream)
        if is_copy:
            with torch.cuda.stream(stream):
                table.copy_(rows, non_blocking=True)
        elif design == INDEX:
            index.fill_(step)
            bench.gather(bench.device(WIDTH), rows, stream)
            bench.gather(table, index, stream)
        else:
            bench.gather(table, rows, stream)
        if design == "v2 fresh, then copied":
            with torch.cuda.stream(stream):
                bench.device(WIDTH).copy_(rows, non_blocking=True)
        late.record(other if design == ELSEWHERE else stream)
        reading[REQUESTS[step]] = late
        if design in ("v2 guarded", INDEX) or design in GUARDS:
            guarded.append((early if design == EARLY else late, rows))
            while guarded and (design == UNASKED or guarded[0][0].query()):
                guarded.popleft()
        del rows
    return tuple(bench.first(table) for table in tables)
