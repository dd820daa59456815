"""Streams as queues of work that executes when it is picked, one operation at a time.

They decide what may execute next and what executing does to clocks; which of it does execute is
the schedule's choice. CUDA's rules as kept here: a stream is first in, first out; a wait holds
back what is behind it; the legacy stream waits for all blocking streams, and they for it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from kvimpl.device.port.steps import LockUse, Pending, Touch
from kvimpl.device.port.values import Op, Stream
from kvimpl.device.sim.clocks import Clock, fast, join
from kvimpl.device.sim.watch import Actor

NOTHING: frozenset[str] = frozenset()
# Looked up once: in Python 3.11 a member of an enum costs as much as a call.
NO_LOCK = LockUse.NONE


class Work:
    """An operation in a stream."""

    __slots__ = (
        "_op",
        "body",
        "clock",
        "done",
        "failed",
        "label",
        "number",
        "pending",
        "queue",
        "waits",
    )

    def __init__(
        self,
        number: int,
        label: str,
        body: Callable[[Work], None] | None,
        waits: tuple[Work, ...],
        queue: Queue,
        clock: Clock,
        pending: Pending,
    ) -> None:
        self.number = number
        self.label = label
        self.body = body
        self.waits = waits
        self.queue = queue
        self.clock = clock
        self.pending = pending
        self.done = self.failed = False
        self._op: Op | None = None

    @property
    def op(self) -> Op:
        """Its handle, made when somebody asks for it."""
        if self._op is None:
            self._op = Op(self.number, self.queue.stream, self.label)
        return self._op


class Queue:
    """One stream: what is in it, and its last operation, done or not."""

    __slots__ = ("actor", "executed", "last", "stops_after", "stream", "work")

    stream: Stream

    def __init__(self, actor: Actor, stops_after: int | None) -> None:
        self.actor = actor
        self.work: deque[Work] = deque()
        self.last: Work | None = None
        self.executed = 0
        self.stops_after = stops_after

    def execute(self) -> Work:
        """Take the head off and let it happen, after all that it waited for."""
        work = self.work.popleft()
        actor = self.actor
        clock = actor.clock.copy()
        join(clock, work.clock)
        for awaited in work.waits:
            join(clock, awaited.clock)
        clock[actor.number] = actor.clock[actor.number] + 1
        actor.clock = work.clock = clock
        self.executed += 1
        if work.body is not None:
            work.body(work)
            work.body = None
        work.waits = ()
        work.done = not work.failed
        return work


class Queues:
    """All streams of a device.

    `heads` are what may execute now, of the streams `headed`, by age. They are kept up to date as
    work is put and executes, unless `is_stale`: then `look` finds them anew.
    """

    def __init__(self, legacy: Queue, executed: Callable[[Op], None] | None) -> None:
        self.all = [legacy]
        self.legacy = legacy
        self.executed = executed
        self.is_stale = False
        self.heads: list[Pending] = []
        self.headed: list[Queue] = []
        self._waiting = 0  # streams whose first operation waits for another stream's
        self._op_count = 0

    def look(self) -> None:
        """Find what may execute now, by age of the streams."""
        self.heads, self.headed, self._waiting, self.is_stale = [], [], 0, False
        for queue in self.all:
            if queue.work:
                self._head(queue, len(self.headed))

    def executed_head(self, place: int) -> Work:
        """Let the head at this place execute; what is next in its stream takes the place."""
        queue = self.headed[place]
        is_waited_for = self._waiting > 0
        work = queue.execute()
        if is_waited_for or self.is_stale:
            self.is_stale = True
        elif queue.work and queue.executed != queue.stops_after and not _awaits(queue.work[0]):
            self.heads[place] = queue.work[0].pending
        else:
            del self.heads[place], self.headed[place]
            self._waiting += bool(queue.work)
        return work

    def _head(self, queue: Queue, place: int) -> None:
        """The first operation of this stream is new: it may execute, or waits."""
        if queue.executed == queue.stops_after or _awaits(queue.work[0]):
            self._waiting += 1
            return
        while place and self.headed[place - 1].actor.number > queue.actor.number:
            place -= 1
        self.heads.insert(place, queue.work[0].pending)
        self.headed.insert(place, queue)

    def add(self, queue: Queue) -> None:
        """One more stream."""
        self.all.append(queue)

    def stop(self) -> None:
        """Nothing in any stream executes any more."""
        for queue in self.all:
            queue.stops_after = queue.executed
        self.is_stale = True

    def tails(self, queue: Queue) -> tuple[Touch, ...]:
        """What enqueuing into the stream touches: its own tail, and those that fence it."""
        own = Touch(f"tail {queue.stream.name}", 0, 1, True)
        if queue is self.legacy:
            fences = [o for o in self.all if o.stream.blocking and o is not queue]
        else:
            fences = [self.legacy] if queue.stream.blocking else []
        return (own, *(Touch(f"tail {o.stream.name}", 0, 1, False) for o in fences))

    def enqueue(
        self,
        queue: Queue,
        label: str,
        body: Callable[[Work], None] | None,
        touches: tuple[Touch, ...],
        waits: tuple[Work, ...],
        clock: Clock,
        step: int,
    ) -> Work:
        """Put work into the stream, behind all that is in it now.

        `touches` is what it touches when it executes, `waits` what must be done before; the call
        that puts it there has this clock and is this step.
        """
        self._op_count = number = self._op_count + 1
        stream = queue.stream
        if stream.blocking or queue is self.legacy:
            waits = (*waits, *self._fences(queue))
        touches = (*touches, fast(Touch, (f"done {number}", 0, 1, True)))
        needs = NOTHING
        # What is awaited and already done still orders: its clock is joined at execution.
        for awaited in waits:
            if not awaited.done:
                thing = f"done {awaited.number}"
                touches = (*touches, fast(Touch, (thing, 0, 1, False)))
                needs |= {thing}
        does = fast(Pending, (stream.name, label, touches, False, step, needs, NO_LOCK))
        work = Work(number, label, body, waits, queue, clock.copy(), does)
        queue.work.append(work)
        queue.last = work
        if len(queue.work) == 1:
            self._head(queue, len(self.headed))
        return work

    def _fences(self, queue: Queue) -> list[Work]:
        """What a stream of the fence waits for."""
        if queue is self.legacy:
            last = [o.last for o in self.all if o.stream.blocking and o is not queue]
        else:
            last = [self.legacy.last]
        return [work for work in last if work is not None]


def _awaits(work: Work) -> bool:
    """Whether something that it waits for is not done."""
    return bool(work.waits) and not all(awaited.done for awaited in work.waits)


def completion(work: Work) -> str:
    """The name of the thing that completing the work writes."""
    return f"done {work.number}"
