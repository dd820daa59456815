"""Begins and ends the lives of buffers, each in a turn of its own.

It decides what allocating and freeing touch, so that a schedule and the watch see them as what
they are: freed memory is poisoned, which writes to it, so all other uses must have been before.
"""

from __future__ import annotations

from kvimpl.device.port.errors import Refused
from kvimpl.device.port.steps import Touch
from kvimpl.device.port.values import Buffer, Mode, Space
from kvimpl.device.sim.clocks import Place, join
from kvimpl.device.sim.completions import observed
from kvimpl.device.sim.dispatch import Dispatch
from kvimpl.device.sim.faults import Faults
from kvimpl.device.sim.memory import Life, Lives, Stage
from kvimpl.device.sim.pinned import PinnedPool
from kvimpl.device.sim.queues import Queues, Work, completion
from kvimpl.device.sim.turns import Touches, Turns
from kvimpl.device.sim.watch import FREE, Actor, Watch

POOL = "pinned allocator"


class Heap:
    """The allocating calls of one device."""

    def __init__(
        self,
        turns: Turns,
        queues: Queues,
        watch: Watch,
        faults: Faults,
        lives: Lives,
        pool: PinnedPool,
        dispatch: Dispatch,
    ) -> None:
        self._turns = turns
        self._queues = queues
        self._watch = watch
        self._faults = faults
        self._lives = lives
        self._pool = pool
        self._dispatch = dispatch

    def alloc(self, nbytes: int, space: Space, label: str) -> Buffer:
        """A new life, of new bytes or of pinned ones that came back."""
        if nbytes <= 0:
            raise Refused(
                f"{nbytes} bytes were asked for as '{label}'. A buffer has at least one byte. "
                "Change the size, or allocate nothing."
            )
        place = self._watch.place()
        pinned = space is Space.PINNED
        touches: Touches = self._allocating if pinned else (*self._faults.touches, _used(space))
        actor = self._turns.point(f"alloc {label}", touches)
        self._faults.allocate(nbytes, label)
        if pinned:
            _, back = self._pool.outlook()
            for work in self._pool.process():
                observed(actor, work)
            for life in back:
                self._end_memory(actor, life, place)
            block = self._pool.take(nbytes)
        else:
            block = self._lives.block(nbytes, space)
        return self._lives.begin(block, nbytes, space, label).buffer

    def free(self, buffer: Buffer) -> None:
        """End a life. Pinned memory that copies use is kept until they are done."""
        life = self._lives.live(buffer)
        place = self._watch.place()
        actor = self._turns.point(f"{FREE} {buffer.label}", lambda: self._freeing(life))
        self._lives.live(buffer)
        span = (0, buffer.nbytes)
        does = f"{FREE} {buffer.label}"
        self._lives.end(life, self._watch.seen(actor, does, Mode.WRITE, buffer, span, place))
        if life.noted:
            noted = [q for q in self._queues.all if q.stream.name in life.noted]
            life.held_by = len(noted)
            clock = dict(actor.clock)

            def completed(event: Work) -> None:
                join(clock, event.clock)
                life.held_by -= 1
                if not life.held_by:
                    self._watch.released(life, clock)

            label = f"event of {buffer.label}"
            events = [self._dispatch.put(q, label, actor, completed) for q in noted]
            self._pool.retire(life, events)
        else:
            self._end_memory(actor, life, place)

    def _end_memory(self, actor: Actor, life: Life, place: Place) -> None:
        """The bytes come back from the user and, if they had to, from the streams."""
        self._watch.freed(actor, life, f"{FREE} {life.buffer.label}", place)
        life.stage = Stage.OVER
        life.block.poison()
        if life.buffer.space is Space.PINNED:
            self._pool.put(life)
        else:
            self._lives.give_back(life.block, life.buffer.space)

    def _allocating(self) -> tuple[Touch, ...]:
        looked, back = self._pool.outlook()
        done = (Touch(completion(work), 0, 1, False) for work in looked)
        ends = (_whole(life) for life in back)
        return (*self._faults.touches, Touch(POOL, 0, 1, True), *done, *ends)

    def _freeing(self, life: Life) -> tuple[Touch, ...]:
        pool = Touch(POOL, 0, 1, True) if life.buffer.space is Space.PINNED else None
        change = pool or _used(life.buffer.space)
        if not life.noted:
            return (change, _whole(life))
        noted = [q for q in self._queues.all if q.stream.name in life.noted]
        return (change, *(touch for q in noted for touch in self._queues.tails(q)))


def _used(space: Space) -> Touch:
    return Touch(f"{space.value} memory", 0, 1, True)


def _whole(life: Life) -> Touch:
    return Touch(life.block.thing, 0, len(life.block.bytes), True)
