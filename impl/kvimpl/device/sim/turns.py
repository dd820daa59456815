"""Gives the turn to one actor at a time: a host task, or a stream that executes one operation.

It decides who may go on; a schedule decides who does. A host task is a thread that runs only while
it has the turn. The task that reaches a scheduling point chooses on the spot: it executes stream
operations itself and wakes another task only when that one was picked, so a program with one host
task never switches threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from threading import get_ident
from typing import NoReturn

from kvimpl.device.port.errors import DeviceStuck, Refused, StepsExhausted
from kvimpl.device.port.steps import Abandoned, LockUse, Pending, Schedule, Touch
from kvimpl.device.port.values import Op
from kvimpl.device.sim.clocks import fast, join
from kvimpl.device.sim.queues import NOTHING, Queues
from kvimpl.device.sim.watch import Actor, Watch

Touches = tuple[Touch, ...] | Callable[[], tuple[Touch, ...]]
HOST = "host"
USES_HOST_STATE = Touch("undeclared host state", 0, 1, False)
CHANGES_HOST_STATE = Touch("undeclared host state", 0, 1, True)


class HostTask:
    """A thread of the program, and the step it waits to take."""

    __slots__ = ("actor", "asks", "baton", "ended", "error", "ident", "pending", "ready", "thread")

    def __init__(self, actor: Actor, first: Pending | None) -> None:
        self.actor = actor
        self.pending = first
        self.asks: Callable[[], tuple[Touch, ...]] | None = None
        self.ready: Callable[[], bool] | None = None
        self.baton = threading.Lock()
        self.baton.acquire()
        self.thread: threading.Thread | None = None
        self.ident = get_ident()
        self.ended = False
        self.error: Exception | None = None


class Turns:
    """The scheduling of one run.

    `is_alone`: the main task is the only one that is left. `is_over`: the run has ended, in
    whatever way, and what is left of it only unwinds. `runs_body`: work executes right now.
    """

    def __init__(
        self,
        schedule: Schedule,
        queues: Queues,
        watch: Watch,
        main: Actor,
        *,
        steps_max: int,
        holders: Callable[[], list[str]],
    ) -> None:
        """`holders` says who holds which lock, for a run that is stuck."""
        self._pick = schedule.pick
        self._holders = holders
        self._queues = queues
        self._watch = watch
        self._steps_max = steps_max
        self._main, self._actor = HostTask(main, None), main
        self._ident = self._main.ident
        self._tasks = [self._main]
        self._spawned: list[HostTask] = []
        self._ending: BaseException | None = None
        self._is_over = False
        self.is_over = False
        self.is_alone = True
        self.current = self._main
        self.runs_body = False

    def point(
        self,
        does: str,
        touches: Touches = (),
        *,
        ready: Callable[[], bool] | None = None,
        needs: frozenset[str] = NOTHING,
        lock_use: LockUse = LockUse.NONE,
    ) -> Actor:
        """The current task is about to do this: others may go first. Returns when it is its turn.

        Touches given as a function are asked for anew at each choice. Raises: DeviceStuck,
        StepsExhausted, Refused (not a task of this device), Abandoned.
        """
        if self.is_alone and ready is None and isinstance(touches, tuple):
            words = (self._actor.name, does, touches, True, -1, needs, lock_use)
            return self.alone(fast(Pending, words))
        me = self.current
        if self.runs_body or self.is_over or me.ident != get_ident():
            self._refuse(me, does)
        if isinstance(touches, tuple):
            me.asks = None
        else:
            me.asks, touches = touches, ()
        if not self.is_alone:
            touches = (*touches, USES_HOST_STATE)
        me.pending = fast(Pending, (me.actor.name, does, touches, True, -1, needs, lock_use))
        me.ready = ready
        try:
            self._until_picked(me)
        except BaseException as error:
            self._end(me, error)
        me.pending = None
        actor = me.actor
        actor.clock[actor.number] += 1
        return actor

    def alone(self, pending: Pending) -> Actor:
        """The same for the only task, whose step is in words already and waits for nothing."""
        if self.runs_body or self.is_over or get_ident() != self._ident:
            self._refuse(self._main, pending.does)
        watch, queues, pick = self._watch, self._queues, self._pick
        try:
            while True:
                if queues.is_stale:
                    queues.look()
                taken = pick([pending, *queues.heads])
                watch.step = step = watch.step + 1
                if step >= self._steps_max:
                    raise self._exhausted(self._main)
                if not taken:
                    break
                work = queues.executed_head(taken - 1)
                if queues.executed is not None:
                    self._tell(work.op, queues.executed)
        except BaseException as error:
            self._end(self._main, error)
        actor = self._actor
        actor.clock[actor.number] += 1
        return actor

    def of_main(
        self, does: str, touches: tuple[Touch, ...], lock_use: LockUse = LockUse.NONE
    ) -> Pending:
        """A step of the main task in words, for `alone`."""
        return fast(Pending, (self._actor.name, does, touches, True, -1, NOTHING, lock_use))

    def spawn(self, actor: Actor, body: Callable[[], None]) -> HostTask:
        """Start a task; its body begins when it is first picked."""
        join(actor.clock, self.current.actor.clock)
        start = Pending(actor.name, "start", (), True, self._watch.step)
        task = HostTask(actor, start)
        thread = threading.Thread(target=self._run, args=(task, body), daemon=True)
        task.thread = thread
        self._tasks.append(task)
        self.is_alone = False
        self._spawned = [t for t in self._spawned if not t.ended or t.error is not None]
        self._spawned.append(task)
        thread.start()
        return task

    def abandon(self) -> None:
        """End the run here: every task that is left is unwound, in order. By the main task only."""
        if not self._is_over:
            self._is_over = self.is_over = True
            for task in self._tasks[1:]:
                if not task.ended and task.thread is not None:
                    self.current = task
                    task.baton.release()
                    task.thread.join()
            self.current = self._main

    @property
    def others(self) -> list[HostTask]:
        """The tasks that have not ended, without the main one."""
        return self._tasks[1:]

    def unraised(self) -> Exception | None:
        """The error of a task that nobody joined."""
        return next((t.error for t in self._spawned if t.error is not None), None)

    def _until_picked(self, me: HostTask) -> None:
        watch, queues, pick = self._watch, self._queues, self._pick
        while True:
            choices, takers = self._choices()
            if not choices:
                raise DeviceStuck(self._why_stuck())
            taken = pick(choices)
            watch.step = step = watch.step + 1
            if step >= self._steps_max:
                raise self._exhausted(me)
            if taken >= len(takers):
                work = queues.executed_head(taken - len(takers))
                if queues.executed is not None:
                    self._tell(work.op, queues.executed)
                continue
            taker = takers[taken]
            if taker is me:
                return
            self.current = taker
            taker.baton.release()
            if not me.ended:
                self._await_baton(me)
            return

    def _exhausted(self, me: HostTask) -> StepsExhausted:
        return StepsExhausted(
            f"the run took {self._steps_max} steps without an end. Most likely "
            f"'{me.actor.name}' polls, and this schedule never serves it. Wait with "
            "synchronize, or raise steps_max."
        )

    def _tell(self, op: Op, executed: Callable[[Op], None]) -> None:
        self.runs_body = True
        try:
            executed(op)
        finally:
            self.runs_body = False

    def _await_baton(self, me: HostTask) -> None:
        me.baton.acquire()
        if me is self._main and self._ending is not None:
            raise self._ending
        if self._is_over:
            raise Abandoned("the run is over")

    def _choices(self) -> tuple[list[Pending], list[HostTask]]:
        """What could go on: the tasks that are ready, then the streams' heads."""
        choices: list[Pending] = []
        takers: list[HostTask] = []
        for task in self._tasks:
            pending, ready = task.pending, task.ready
            if pending is not None and (ready is None or ready()):
                if task.asks is not None:
                    pending = pending._replace(touches=(*task.asks(), *pending.touches))
                choices.append(pending)
                takers.append(task)
        queues = self._queues
        if queues.is_stale:
            queues.look()
        return choices + queues.heads, takers

    def _run(self, task: HostTask, body: Callable[[], None]) -> None:
        """A task's thread, from its first turn to its last."""
        task.ident = get_ident()
        try:
            self._await_baton(task)
            task.pending = None
            task.actor.clock[task.actor.number] += 1
            try:
                body()
            except Exception as error:
                task.error = error
            self.point("end", (Touch(f"end {task.actor.name}", 0, 1, True),))
            task.ended = True
            self._tasks.remove(task)
            self.is_alone = len(self._tasks) == 1
            self._until_picked(task)
        except BaseException as error:
            task.ended = True
            if self._ending is None:
                self._ending, self.is_over = error, True
            if not self._is_over:
                self.current = self._main
                self._main.baton.release()

    def _end(self, me: HostTask, error: BaseException) -> NoReturn:
        """The run ends here. A task unwinds first, then its thread hands over to the main one."""
        if self._ending is None and not self._is_over:
            self._ending, self.is_over = error, True
        if me is self._main:
            self.abandon()
            raise error
        raise Abandoned("the run is over") from error

    def _refuse(self, me: HostTask, does: str) -> NoReturn:
        if self.is_over:
            if me is not self._main:
                raise Abandoned("the run is over")
            raise self._ending or Refused(
                f"'{does}' was called on a device that is closed. Its run is over. Make a new one."
            )
        if self.runs_body:
            raise Refused(
                f"'{does}' was called by a kernel, a host function or a listener while work "
                "executed. CUDA allows no call to the device there. Use what it was given."
            )
        raise Refused(
            f"'{does}' was called from a thread that this device did not start. On a simulated "
            "device only its own tasks run, one at a time. Start the thread with spawn."
        )

    def _why_stuck(self) -> str:
        hosts = [f"'{t.actor.name}' waits: {t.pending.does}" for t in self._tasks if t.pending]
        held = [
            f"stream '{q.stream.name}' has {len(q.work)} operations left, the first of them "
            f"'{q.work[0].op.label}'"
            for q in self._queues.all
            if q.work
        ]
        said = "; ".join([*hosts, *self._holders(), *held])
        return (
            f"nothing can run any more: {said}. Most likely a stream makes no progress, or locks "
            "are held in a circle. Look at what is waited for first."
        )
