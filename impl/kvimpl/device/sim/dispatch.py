"""Puts work into streams: what it will touch, what it waits for, and what it does when it executes.

It decides the life of an operation from call to execution; the queue decides when it may execute.
An operation's handles are checked when it is enqueued, its bytes are used when it executes, and
what lies between is the program's risk, which the watch reports.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from kvimpl.device.port.steps import Touch
from kvimpl.device.port.values import Event, KernelBody, Mark, Mode, Stream, View
from kvimpl.device.sim.arguments import Argument
from kvimpl.device.sim.clocks import READ, WRITE, Place, fast
from kvimpl.device.sim.completions import Completions
from kvimpl.device.sim.faults import Faults
from kvimpl.device.sim.memory import Lives
from kvimpl.device.sim.pinned import PinnedPool
from kvimpl.device.sim.queues import Queue, Queues, Work
from kvimpl.device.sim.turns import Turns
from kvimpl.device.sim.watch import Actor, Watch

Declared: TypeAlias = Sequence[tuple[View, Mode]]
Body: TypeAlias = Callable[[Work], None]


class Dispatch:
    """The enqueuing calls of one device."""

    def __init__(
        self,
        turns: Turns,
        queues: Queues,
        watch: Watch,
        faults: Faults,
        lives: Lives,
        pool: PinnedPool,
        completions: Completions,
    ) -> None:
        self._turns = turns
        self._queues = queues
        self._watch = watch
        self._faults = faults
        self._lives = lives
        self._pool = pool
        self._completions = completions

    def copy(
        self, target: View, source: View, stream: Stream, label: str, *, reads_early: bool
    ) -> Work:
        """Enqueue a copy. `reads_early`: the source is read now, only the target then."""
        read, written = (source, READ), (target, WRITE)

        from_, to = self._lives.live(source.buffer), self._lives.live(target.buffer)

        def prepare(actor: Actor, place: Place) -> Body:
            moves = self._faults.copy()
            count = target.nbytes if moves is None else min(moves, target.nbytes)
            self._pool.note(from_, stream.name)
            self._pool.note(to, stream.name)
            early = from_.block.bytes[source.start : source.stop].tobytes() if reads_early else None
            if reads_early:
                span = (source.start, source.stop)
                self._watch.touch(actor, label, READ, from_, span, place)

            def body(work: Work) -> None:
                does, by = work.label, work.queue.actor
                if early is None:
                    span = (source.start, source.stop)
                    self._watch.touch(by, does, READ, from_, span, place)
                span = (target.start, target.stop)
                self._watch.touch(by, does, WRITE, to, span, place)
                data = early or from_.block.bytes[source.start : source.stop]
                to.block.bytes[target.start : target.start + count] = data[:count]
                if moves is not None:
                    raise InterruptedError(f"it moved {count} of {target.nbytes} bytes")

            return body

        return self.enqueue(
            stream,
            label,
            prepare,
            declared=[written] if reads_early else [read, written],
            now=[read] if reads_early else (),
        )

    def run(
        self,
        body: KernelBody,
        arguments: Sequence[View | int],
        declared: Declared,
        stream: Stream,
        label: str,
        *,
        is_launch: bool = False,
    ) -> Work:
        """Enqueue a body that uses the declared views, which are among its arguments in order."""
        lives = [self._lives.live(view.buffer) for view, _ in declared]

        def prepare(actor: Actor, place: Place) -> Body:
            if is_launch:
                self._faults.launch(label)

            def execute(work: Work) -> None:
                by = work.queue.actor
                opened = [
                    Argument(self._watch, by, label, view, life, mode, place)
                    for (view, mode), life in zip(declared, lives, strict=True)
                ]
                views = iter(opened)
                try:
                    body([a if isinstance(a, int) else next(views) for a in arguments])
                finally:
                    for argument in opened:
                        argument.close()

            return execute

        return self.enqueue(stream, label, prepare, declared=declared)

    def enqueue(
        self,
        stream: Stream,
        label: str,
        prepare: Callable[[Actor, Place], Body],
        *,
        declared: Declared,
        now: Declared = (),
    ) -> Work:
        """Take a turn, then put work into the stream; `prepare` runs in that turn.

        `declared` is what the work touches when it executes, `now` what the call itself does.
        """
        queue = self._completions.queue(stream)
        place = self._watch.place()
        later = self._touches(declared)
        actor = self._turn(queue, label, self._touches(now) if now else ())
        if not self._turns.is_alone:
            self._touches(declared)
        return self.put(queue, label, actor, self._guarded(prepare(actor, place)), later)

    def mark(
        self, stream: Stream, label: str, also: tuple[Touch, ...], on: Event | Mark | None = None
    ) -> Work:
        """The same for work that touches no bytes: a recording, or a wait.

        `also` is what the call touches besides, `on` what the work waits for.
        """
        queue = self._completions.queue(stream)
        actor = self._turn(queue, label, also)
        waits = () if on is None else tuple(self._completions.bound(on))
        return self.put(queue, label, actor, None, (), waits)

    def _turn(self, queue: Queue, label: str, touches: tuple[Touch, ...]) -> Actor:
        """A turn in which work is put into the stream. Raises: DeviceFailed."""
        faults, turns = self._faults, self._turns
        if faults.failure is not None:
            faults.meet()
        if faults.touches:
            touches = (*faults.touches, *touches)
        if turns.is_alone:
            actor = turns.alone(turns.of_main(f"enqueue {label}", touches))
        else:
            actor = turns.point(f"enqueue {label}", (*touches, *self._queues.tails(queue)))
        if faults.failure is not None:
            faults.meet()
        return actor

    def put(
        self,
        queue: Queue,
        label: str,
        actor: Actor,
        body: Body | None = None,
        touches: tuple[Touch, ...] = (),
        waits: tuple[Work, ...] = (),
    ) -> Work:
        """Put work into the stream, in the turn that the actor has."""
        if self._faults.touches:
            touches = (*touches, *self._faults.of_work())
        return self._queues.enqueue(
            queue, label, body, touches, waits, actor.clock, self._watch.step
        )

    def _touches(self, declared: Declared) -> tuple[Touch, ...]:
        """The bytes that are declared, all live. Raises: StaleHandle, ForeignHandle."""
        live = self._lives.live
        return tuple(
            [
                fast(Touch, (live(v.buffer).block.thing, v.start, v.stop, mode is not READ))
                for v, mode in declared
            ]
        )

    def _guarded(self, body: Body) -> Body:
        """A body whose errors are the device's failure, as they are on a GPU."""

        def execute(work: Work) -> None:
            self._turns.runs_body = True
            try:
                body(work)
            except Exception as error:
                work.failed = True
                self._faults.fail(str(work.op), error)
                self._queues.stop()
            finally:
                self._turns.runs_body = False

        return execute
