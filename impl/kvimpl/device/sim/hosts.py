"""Locks, shared values, tasks and byte accesses of the host, each a scheduling point.

They decide what a host action touches and what it orders; the turn is given by `turns`.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from kvimpl.device.port.errors import Refused
from kvimpl.device.port.steps import LockUse, Touch
from kvimpl.device.port.values import Mode, View
from kvimpl.device.sim.clocks import Clock, Place, Shadow, join
from kvimpl.device.sim.memory import Life
from kvimpl.device.sim.misuse import LockOrder, Updates
from kvimpl.device.sim.turns import HostTask, Turns
from kvimpl.device.sim.watch import Actor, Watch

T = TypeVar("T")


class SimLock:
    """Mutual exclusion between tasks; releasing orders before the next acquiring."""

    def __init__(self, turns: Turns, watch: Watch, order: LockOrder, name: str) -> None:
        self._turns = turns
        self._watch = watch
        self._order = order
        order.locks.append(self)
        self._name = name
        self._touch = (Touch(f"lock {name}", 0, 1, True),)
        self._acquire, self._release = f"acquire {name}", f"release {name}"
        # With one task these steps are the same each time; waiting for oneself is refused before.
        self._acquires = turns.of_main(self._acquire, self._touch, LockUse.ACQUIRE)
        self._releases = turns.of_main(self._release, self._touch, LockUse.RELEASE)
        self._holder: Actor | None = None
        self._releaser: Actor | None = None
        self._clock: Clock = {}

    def __enter__(self) -> None:
        turns, holder = self._turns, self._holder
        place = self._watch.place() if self._order.is_followed else None
        if holder is None and turns.is_alone:
            actor = turns.alone(self._acquires)
        else:
            if holder is not None and holder is turns.current.actor:
                raise Refused(
                    f"'{self._name}' is taken twice by '{holder.name}', which would wait for "
                    "itself for ever. The lock is not reentrant. Take it once, further out."
                )
            actor = turns.point(
                self._acquire, self._touch, ready=self._is_free, lock_use=LockUse.ACQUIRE
            )
        self._holder = actor
        if place is not None:
            self._order.acquired(self._watch, actor, self._name, place)
        if actor is not self._releaser:
            join(actor.clock, self._clock)

    def __exit__(self, *_: object) -> None:
        turns = self._turns
        if turns.is_over:
            return
        if turns.is_alone:
            # Whoever takes it after this task is spawned by it first, and so comes after all this.
            self._holder, self._releaser = None, turns.alone(self._releases)
            if self._order.is_followed:
                self._order.released(self._releaser, self._name)
            return
        actor = turns.point(self._release, self._touch, lock_use=LockUse.RELEASE)
        self._holder, self._releaser = None, actor
        if self._order.is_followed:
            self._order.released(actor, self._name)
        self._clock = actor.clock.copy()

    def holder(self) -> str:
        """Who has it, in words; empty if nobody has."""
        return "" if self._holder is None else f"'{self._holder.name}' holds {self._name}"

    def _is_free(self) -> bool:
        return self._holder is None


class SimShared(Generic[T]):
    """A value whose uses are ordered, or found to be in a race."""

    def __init__(self, turns: Turns, watch: Watch, name: str, value: T) -> None:
        self._turns = turns
        self._watch = watch
        self._name = name
        self._value = value
        self._shadow = Shadow()
        self._updates = Updates()
        self._thing = f"shared {name}"

    def get(self) -> T:
        """The value now."""
        self._use("get", Mode.READ)
        return self._value

    def set(self, value: T) -> None:
        """Replace the value."""
        self._use("set", Mode.WRITE)
        self._value = value

    def _use(self, does: str, mode: Mode) -> None:
        place = self._watch.place()
        does = f"{does} {self._name}"
        actor = self._turns.point(does, (Touch(self._thing, 0, 1, mode.writes),))
        named = f"shared value {self._name}"
        self._watch.touch_shared(actor, does, mode, named, self._shadow, place)
        seen = self._watch.seen(actor, does, mode, named, (0, 1), place)
        if mode is Mode.READ:
            self._updates.read(seen)
        else:
            self._updates.write(self._watch, seen)


class SimTask:
    """A task that was spawned."""

    def __init__(self, turns: Turns, task: HostTask) -> None:
        self._turns = turns
        self._task = task

    def join(self) -> None:
        """Return when it has ended; an exception it ended with is raised here."""
        task = self._task
        thing = f"end {task.actor.name}"
        actor = self._turns.point(
            f"join {task.actor.name}",
            (Touch(thing, 0, 1, False),),
            ready=lambda: task.ended,
            needs=frozenset({thing}),
        )
        join(actor.clock, task.actor.clock)
        if task.error is not None:
            error, task.error = task.error, None
            raise error


class HostAccess:
    """The bytes of host memory for the length of a `with` block."""

    def __init__(
        self, turns: Turns, watch: Watch, life: Life, view: View, mode: Mode, place: Place
    ) -> None:
        self._turns = turns
        self._watch = watch
        self._life = life
        self._view = view
        self._mode = mode
        self._place = place
        self._bytes: memoryview | None = None

    def __enter__(self) -> memoryview:
        view, mode = self._view, self._mode
        does = f"host {mode.value}"
        thing = self._life.block.thing
        self._turns.point(does, (Touch(thing, view.start, view.stop, mode.writes),))
        self._touch()
        self._life.owner.live(view.buffer)
        self._step = self._watch.step
        bytes_ = self._life.block.bytes[view.start : view.stop]
        self._bytes = bytes_ if mode.writes else bytes_.toreadonly()
        return self._bytes

    def __exit__(self, *_: object) -> None:
        assert self._bytes is not None
        self._bytes.release()
        if self._watch.step != self._step and not self._turns.is_over:
            # Others ran inside the block: the access lasted until now, after all they were told.
            actor = self._turns.current.actor
            actor.clock[actor.number] += 1
            self._touch()

    def _touch(self) -> None:
        span = (self._view.start, self._view.stop)
        self._watch.touch(
            self._turns.current.actor,
            f"host {self._mode.value}",
            self._mode,
            self._life,
            span,
            self._place,
        )
