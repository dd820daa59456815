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
from kvimpl.device.sim.turns import HostTask, Turns
from kvimpl.device.sim.watch import Actor, Watch

T = TypeVar("T")


class SimLock:
    """Mutual exclusion between tasks; releasing orders before the next acquiring."""

    def __init__(self, turns: Turns, name: str) -> None:
        self._turns = turns
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
        if actor is not self._releaser:
            join(actor.clock, self._clock)

    def __exit__(self, *_: object) -> None:
        turns = self._turns
        if turns.is_over:
            return
        if turns.is_alone:
            # Whoever takes it after this task is spawned by it first, and so comes after all this.
            self._holder, self._releaser = None, turns.alone(self._releases)
            return
        actor = turns.point(self._release, self._touch, lock_use=LockUse.RELEASE)
        self._holder, self._releaser = None, actor
        self._clock = actor.clock.copy()

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
        self._watch.touch_shared(
            actor, does, mode, f"shared value {self._name}", self._shadow, place
        )


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
