"""What the host waits for or asks about: from a handle to the work that must be done.

It decides when work counts as observed, and that observing orders it before what the host does
next. Binding happens when the call has its turn: an event means the mark that it holds then.
"""

from __future__ import annotations

from collections.abc import Callable

from kvimpl.device.port.errors import ForeignHandle
from kvimpl.device.port.steps import Touch
from kvimpl.device.port.values import Event, Mark, Stream, Waitable
from kvimpl.device.sim.clocks import join
from kvimpl.device.sim.faults import Faults
from kvimpl.device.sim.queues import Queue, Queues, Work, completion
from kvimpl.device.sim.turns import Turns
from kvimpl.device.sim.watch import Actor


class Recorded:
    """What an event's handle stands for: the work of its latest recording."""

    __slots__ = ("label", "latest", "owner", "reading", "writing")

    def __init__(self, owner: Queues, number: int, name: str) -> None:
        self.owner = owner
        self.label = f"record {name}"
        self.latest: Work | None = None
        self.reading = (Touch(f"event {number}", 0, 1, False),)
        self.writing = (Touch(f"event {number}", 0, 1, True),)


class Completions:
    """Queries and synchronisations of one device."""

    def __init__(self, turns: Turns, queues: Queues, faults: Faults) -> None:
        self._turns = turns
        self._queues = queues
        self._faults = faults

    def query(self, on: Waitable) -> bool:
        """Whether all of it has completed; if so, it is before what the host does next."""
        works = self.bound(on)
        actor = self._turns.point(f"query {on}", self._asking(on))
        self._faults.meet()
        for work in works if self._turns.is_alone else self.bound(on):
            if not observed(actor, work):
                return False
        return True

    def synchronize(self, on: Waitable | None) -> None:
        """Return when all of it has completed."""
        name = "all streams" if on is None else str(on)
        self.bound(on)
        self._faults.meet()
        if not self._turns.is_alone:
            self._turns.point(f"synchronize {name}", lambda: self.variables(on))
        self.wait_for(self.bound(on), f"await {name}")

    def wait_for(self, works: list[Work], does: str) -> None:
        """Hold the host until the works are done, or the device has failed."""
        if works:
            things = [completion(work) for work in works]
            actor = self._turns.point(
                does,
                (*self._faults.touches, *(Touch(thing, 0, 1, False) for thing in things)),
                ready=lambda: self._faults.failure is not None or all(w.done for w in works),
                needs=frozenset(things),
            )
            self._faults.meet()
            for work in works:
                observed(actor, work)

    def bound(self, on: Waitable | None) -> list[Work]:
        """The work that the handle means now; none if it was never recorded, or nothing was done.

        Raises: ForeignHandle.
        """
        if on is None:
            return [q.last for q in self._queues.all if q.last is not None]
        if isinstance(on, Stream):
            last = self.queue(on).last
        elif isinstance(on, Event):
            last = self.recorded(on).latest
        else:
            last = self._marked(on)
        return [] if last is None else [last]

    def variables(self, on: Waitable | None) -> tuple[Touch, ...]:
        """What binding the handle reads."""
        if on is None:
            return tuple(Touch(f"tail {q.stream.name}", 0, 1, False) for q in self._queues.all)
        if isinstance(on, Stream):
            return (Touch(f"tail {on.name}", 0, 1, False),)
        return self.recorded(on).reading if isinstance(on, Event) else ()

    def queue(self, stream: Stream) -> Queue:
        """The queue that the handle names. Raises: ForeignHandle."""
        queue = stream.token
        if not isinstance(queue, Queue) or queue not in self._queues.all:
            raise _foreign("stream", stream)
        return queue

    def recorded(self, event: Event) -> Recorded:
        """The variable that the handle names. Raises: ForeignHandle."""
        recorded = event.token
        if not isinstance(recorded, Recorded) or recorded.owner is not self._queues:
            raise _foreign("event", event)
        return recorded

    def _marked(self, mark: Mark) -> Work:
        work = mark.token
        if not isinstance(work, Work) or work.queue not in self._queues.all:
            raise _foreign("mark", mark)
        return work

    def _asking(self, on: Waitable) -> tuple[Touch, ...] | Callable[[], tuple[Touch, ...]]:
        def touches() -> tuple[Touch, ...]:
            done = [Touch(completion(work), 0, 1, False) for work in self.bound(on)]
            return (*self._faults.touches, *self.variables(on), *done)

        return touches() if self._turns.is_alone else touches


def observed(actor: Actor, work: Work) -> bool:
    """Whether the work is done; if so, it is before what the actor does next."""
    if work.done:
        join(actor.clock, work.clock)
    return work.done


def _foreign(kind: str, handle: object) -> ForeignHandle:
    return ForeignHandle(
        f"{handle} is not a {kind} of this device. Its handle was made by another device, or by "
        "hand. Use the handle that this device returned."
    )
