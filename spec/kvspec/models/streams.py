"""Stream order as a design: streams are queues, an event is a variable that holds a mark.

It decides what a call of the host binds to and when the device may execute; the program is a table
of lines, and nothing here is one particular program. The idea: everything is bound when it is
called (a wait to the mark its event holds then, a synchronisation to what is enqueued then), and
only bytes are used later, when the work executes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Annotated

from kvspec.lang import (
    Constant,
    Machine,
    Map,
    Model,
    Range,
    Size,
    Sort,
    UniqueFifo,
    action,
    assume,
    init,
    invariant,
    require,
    terminal,
)


class Line(Sort):
    "A call of the host, or the work of an allocator's own; each happens at most once."


class Thread(Sort):
    "A host thread."


class Stream(Sort):
    "A stream, the legacy one included."


class Event(Sort):
    "An event or a mark: a variable for a recording."


class Place(Sort):
    "A byte of memory, by the name that the program has for it."


class Verb(Enum):
    "What a line does."

    WRITE = 0
    READ = 1
    QUERY = 2
    SYNC = 3
    FREE = 4
    ALLOC = 5
    DESTROY = 6
    USES = 7
    SET = 8
    COPY = 9
    BATCH = 10
    RECORD = 11
    WAIT = 12
    MEMBER = 13
    RELEASE = 14


class On(Enum):
    "What a line waits for or asks about."

    EVENT = 0
    STREAM = 1
    DEVICE = 2


LINES = Size("LINES")
Turn = Annotated[int, Range(0, LINES)]
Value = Annotated[int, Range(0, 255)]
POISON = 0xDB


class StreamOrder(Machine):
    """What the host calls binds at the call, and every stream executes in the order of its calls.

    `holds` are the bytes of memory, `seen` what a line read or was answered. `needs` are the works
    that a work comes after besides its stream's order. A MEMBER is a copy of a batch, which is one
    element of its stream; a RELEASE is the recording that an allocator makes at a free.

    | action          | linearisation point                          | made atomic by          |
    | skip            | the branch not taken                         | the host thread         |
    | write           | the host's store                             | the host thread         |
    | read            | the host's load                              | the host thread         |
    | query           | cudaEventQuery, cudaStreamQuery              | the driver              |
    | synchronise     | the call of cudaEventSynchronize and others  | the driver              |
    | destroy         | cudaEventDestroy                             | the driver              |
    | note            | Tensor.record_stream                         | the allocator's lock    |
    | free            | the tensor's end: the recordings at the free | the allocator's lock    |
    | alloc           | the allocator looks at its recordings        | the allocator's lock    |
    | enqueue         | the call of any asynchronous work            | the stream's lock       |
    | execute_member  | one copy of a batch executes                 | the device              |
    | execute         | the work at the head of a stream executes    | the device              |
    """

    verb: Constant[Line, Verb]
    thread: Constant[Line, Thread]
    place_in_thread: Constant[Line, Turn]
    last: Constant[Thread, Turn]
    stream: Constant[Line, Stream]
    to: Constant[Line, Place]
    source: Constant[Line, Place]
    value: Constant[Line, Value]
    on: Constant[Line, On]
    event: Constant[Line, Event]
    also: Constant[Line, Event]
    guard: Constant[Line, Line]
    is_guarded: Constant[Line, bool]
    is_early: Constant[Line, bool]
    is_complete_at_return: Constant[Line, bool]
    is_noted: Constant[Line, bool]
    is_poisoned: Constant[Line, bool]
    parent: Constant[Line, Line]
    freed: Constant[Line, Line]
    takes_freed: Constant[Line, bool]
    is_legacy: Constant[Stream, bool]
    is_blocking: Constant[Stream, bool]
    start: Constant[Place, Value]

    turn: Map[Thread, Turn]
    awaits: Map[Thread, Map[Line, bool]]
    queue: Map[Stream, UniqueFifo[Line]]
    is_done: Map[Line, bool]
    needs: Map[Line, Map[Line, bool]]
    is_recorded: Map[Event, bool]
    mark: Map[Event, Line]
    holds: Map[Place, Value]
    cell: Map[Place, Place]
    noted: Map[Place, Map[Stream, bool]]
    releases: Map[Line, Map[Line, bool]]
    seen: Map[Line, Value]

    @classmethod
    def instance(
        cls,
        *,
        sizes: Mapping[str, int] | None = None,
        tables: Mapping[str, Iterable[object]] | None = None,
    ) -> Model:
        """The program that the tables are."""
        return cls.trace(sizes=sizes or {}, constants=tables or {})

    @assume
    def a_program_has_lines(self) -> bool:
        "There is something to run."
        return LINES >= 1

    @init
    def at_the_start(self) -> None:
        "Nothing is enqueued; each place is its own byte."
        for p in Place:
            self.holds[p] = self.start[p]
            self.cell[p] = p

    # ---- vocabulary

    def may_call(self, c: Line) -> bool:
        return (
            self.verb[c] != Verb.MEMBER
            and self.verb[c] != Verb.RELEASE
            and self.turn[self.thread[c]] == self.place_in_thread[c]
            and all(self.is_done[u] for u in Line if self.awaits[self.thread[c]][u])
        )

    def is_work(self, v: Verb) -> bool:
        return (
            v == Verb.SET or v == Verb.COPY or v == Verb.BATCH or v == Verb.RECORD or v == Verb.WAIT
        )

    def is_taken(self, c: Line) -> bool:
        return not self.is_guarded[c] or self.seen[self.guard[c]] == 1

    def is_bound(self, c: Line, u: Line) -> bool:
        "Whether line c, called now, waits for or asks about work u."
        if self.on[c] == On.EVENT:
            return self.is_recorded[self.event[c]] and self.mark[self.event[c]] == u
        return u in self.queue[self.stream[u]] and (
            self.on[c] == On.DEVICE or self.stream[u] == self.stream[c]
        )

    def fences(self, s: Stream, other: Stream) -> bool:
        "Whether work of the one waits for what is in the other: one is legacy, one is blocking."
        return (self.is_legacy[s] and self.is_blocking[other]) or (
            self.is_blocking[s] and self.is_legacy[other]
        )

    # ---- building blocks

    def go_on(self, c: Line) -> None:
        self.turn[self.thread[c]] += 1

    def push(self, u: Line) -> None:
        for s in Stream:
            if self.fences(s, self.stream[u]):
                for earlier in self.queue[s]:
                    self.needs[u][earlier] = True
        self.queue[self.stream[u]].push(u)

    def move(self, u: Line) -> None:
        if self.is_early[u]:
            self.holds[self.cell[self.to[u]]] = self.seen[u]
        else:
            self.holds[self.cell[self.to[u]]] = self.holds[self.cell[self.source[u]]]

    # ---- the host

    @action
    def skip(self, c: Line) -> None:
        "A line whose query said no is not reached."
        require("it is the thread's turn", self.may_call(c))
        require("its query said no", not self.is_taken(c))
        self.go_on(c)

    @action
    def write(self, c: Line) -> None:
        "The host writes a byte, now."
        require("it is a write", self.verb[c] == Verb.WRITE)
        require("it is the thread's turn", self.may_call(c))
        require("it is reached", self.is_taken(c))
        self.holds[self.cell[self.to[c]]] = self.value[c]
        self.go_on(c)

    @action
    def read(self, c: Line) -> None:
        "The host reads a byte, now."
        require("it is a read", self.verb[c] == Verb.READ)
        require("it is the thread's turn", self.may_call(c))
        require("it is reached", self.is_taken(c))
        self.seen[c] = self.holds[self.cell[self.source[c]]]
        self.go_on(c)

    @action
    def query(self, c: Line) -> None:
        "Yes iff everything that the name means now has executed."
        require("it is a query", self.verb[c] == Verb.QUERY)
        require("it is the thread's turn", self.may_call(c))
        require("it is reached", self.is_taken(c))
        if all(self.is_done[u] for u in Line if self.is_bound(c, u)):
            self.seen[c] = 1
        self.go_on(c)

    @action
    def synchronise(self, c: Line) -> None:
        "The thread's next call comes after everything that the name means now."
        require("it is a synchronisation", self.verb[c] == Verb.SYNC)
        require("it is the thread's turn", self.may_call(c))
        require("it is reached", self.is_taken(c))
        for u in Line:
            if self.is_bound(c, u):
                self.awaits[self.thread[c]][u] = True
        self.go_on(c)

    @action
    def destroy(self, c: Line) -> None:
        "The variable holds no mark any more; who is bound to one stays bound."
        require("it is a destruction", self.verb[c] == Verb.DESTROY)
        require("it is the thread's turn", self.may_call(c))
        require("it is reached", self.is_taken(c))
        self.is_recorded[self.event[c]] = False
        self.go_on(c)

    # ---- the allocators

    @action
    def note(self, c: Line) -> None:
        "The device allocator is told that a stream uses the place."
        require("it tells of a use", self.verb[c] == Verb.USES)
        require("it is the thread's turn", self.may_call(c))
        require("it is reached", self.is_taken(c))
        self.noted[self.to[c]][self.stream[c]] = True
        self.go_on(c)

    @action
    def free(self, c: Line) -> None:
        "An event is recorded in each noted stream; without one the byte is lost at once."
        require("it is a free", self.verb[c] == Verb.FREE)
        require("it is the thread's turn", self.may_call(c))
        require("it is reached", self.is_taken(c))
        if self.is_poisoned[c] and not any(self.noted[self.to[c]][s] for s in Stream):
            self.holds[self.cell[self.to[c]]] = POISON
        for u in Line:
            if (
                self.verb[u] == Verb.RELEASE
                and self.parent[u] == c
                and self.noted[self.to[c]][self.stream[u]]
            ):
                self.releases[c][u] = True
                self.push(u)
        self.go_on(c)

    @action
    def alloc(self, c: Line) -> None:
        "The freed byte is given out again iff all recordings made at its free have executed."
        require("it is an allocation", self.verb[c] == Verb.ALLOC)
        require("it is the thread's turn", self.may_call(c))
        require("it is reached", self.is_taken(c))
        f = self.freed[c]
        if self.takes_freed[c] and all(self.is_done[u] for u in Line if self.releases[f][u]):
            self.cell[self.to[c]] = self.cell[self.to[f]]
            if self.is_poisoned[f] and any(self.releases[f][u] for u in Line):
                self.holds[self.cell[self.to[f]]] = POISON
        self.go_on(c)

    # ---- work

    @action
    def enqueue(self, c: Line) -> None:
        "A call that puts work into its stream; a record and a wait are works too."
        require("it enqueues", self.is_work(self.verb[c]))
        require("it is the thread's turn", self.may_call(c))
        require("it is reached", self.is_taken(c))
        if self.verb[c] == Verb.WAIT:
            for u in Line:
                if self.is_bound(c, u):
                    self.needs[c][u] = True
        self.push(c)
        if self.verb[c] == Verb.RECORD:
            self.is_recorded[self.event[c]] = True
            self.mark[self.event[c]] = c
            self.is_recorded[self.also[c]] = True
            self.mark[self.also[c]] = c
        if self.is_early[c]:
            self.seen[c] = self.holds[self.cell[self.source[c]]]
        if self.is_noted[c]:
            self.noted[self.to[c]][self.stream[c]] = True
            self.noted[self.source[c]][self.stream[c]] = True
        if self.is_complete_at_return[c]:
            self.awaits[self.thread[c]][c] = True
        self.go_on(c)

    # ---- the device

    def is_copy_of_batch(self, m: Line, batch: Line) -> bool:
        return self.verb[m] == Verb.MEMBER and self.parent[m] == batch

    def is_ready(self, u: Line) -> bool:
        return all(self.is_done[n] for n in Line if self.needs[u][n])

    @action
    def execute_member(self, u: Line) -> None:
        "A copy of the batch that is at the head of its stream, in no order with the others."
        require("it is a copy of a batch", self.verb[u] == Verb.MEMBER)
        require("it has not executed", not self.is_done[u])
        require("work is in its stream", len(self.queue[self.stream[u]]) > 0)
        require("its batch is at the head", self.queue[self.stream[u]].front == self.parent[u])
        require("what it waits for has executed", self.is_ready(self.parent[u]))
        self.move(u)
        self.is_done[u] = True

    @action
    def execute(self, st: Stream) -> None:
        "The head of a stream executes, after what it was bound to."
        require("work is in it", len(self.queue[st]) > 0)
        u = self.queue[st].front
        require("what its head waits for has executed", self.is_ready(u))
        require(
            "a batch has executed whole",
            all(self.is_done[m] for m in Line if self.is_copy_of_batch(m, u)),
        )
        self.queue[st].remove(u)
        if self.verb[u] == Verb.SET:
            self.holds[self.cell[self.to[u]]] = self.value[u]
        if self.verb[u] == Verb.COPY:
            self.move(u)
        self.is_done[u] = True

    # ---- what must always hold

    @invariant(
        id="KV-STREAM-1",
        why="CUDA: a wait uses the most recently captured state at the time of the call",
    )
    def marks_are_records(self) -> bool:
        "An event that was recorded holds a record."
        return all(self.verb[self.mark[e]] == Verb.RECORD for e in Event if self.is_recorded[e])

    @invariant(id="KV-STREAM-2", why="CUDA: work that executed is no longer in its stream")
    def what_is_done_has_left_its_queue(self) -> bool:
        "No executed work is in a stream."
        return all(not self.is_done[u] for s in Stream for u in self.queue[s])

    @terminal
    def all_is_over(self) -> bool:
        "Every thread has made its last call and every stream is empty."
        return all(self.turn[t] == self.last[t] for t in Thread) and all(
            len(self.queue[s]) == 0 for s in Stream
        )
