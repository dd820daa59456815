"""Lets the host tasks of a program make their calls in the order of a record, one at a time.

It decides whose call is next and which gates are raised before it, never what a call does. The
idea: as on the simulated device one task runs at a time, from its step to its next call. A task
that is not next waits. What the record executes between two steps of the host is released before
the first of the two calls returns: so a program that then waits by itself, past the port, waits for
work that is done, and no second thread has to raise gates. Only while a task has bytes of the host
open is that put off, since it may still change them.

Nothing waits for ever: `Guard` is a thread that looks for progress, and where there is none opens
all gates, so that whoever is blocked returns and meets a `GateFault`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Condition, Event, Thread, get_ident

from kvimpl.device.cuda.gates import Gate, GateFault, Gates, fault
from kvimpl.device.cuda.waiting import Watchdog
from kvimpl.device.port.steps import Abandoned, Pending

MAIN = "host"
ALLOCATOR_S_OWN = "event of "
"""Work of the simulated pinned allocator, which a real one does unseen: it has no gate."""
CLOSING = ("await ", "synchronize ", "join ")
"""What the end of a recorded run may do besides its program."""
LOOKS_SECONDS = 0.05


class Turnstile:
    """The record of a run, and how far the program has come in it."""

    def __init__(self, steps: Sequence[Pending], gates: Gates, watchdog: Watchdog) -> None:
        self._steps = steps
        self._gates = gates
        self._next = 0
        self._names = {get_ident(): MAIN}
        self._alive = {MAIN}
        self._running: str | None = MAIN
        self._open_count = 0
        self._turn = Condition()
        self._is_over = False
        self.fault: GateFault | None = None
        self._guard = Guard(watchdog, progress=lambda: self._next, stuck=self._is_stuck)

    # -- what a task does

    @contextmanager
    def call(self, does: str) -> Iterator[None]:
        """A call of the present task, in its turn; what follows it in the record is released.

        Words that end in '@' name any recording of an event. Raises: GateFault, also where the
        record has another step; Abandoned, in a task, once the run is over.
        """
        try:
            self._take(does)
            yield
            if not self._open_count:
                self._advance()
        except GateFault as error:
            self._break(error)
            raise

    @contextmanager
    def opening(self, does: str) -> Iterator[None]:
        """Bytes of the host are open in this block, from the step on."""
        try:
            self._take(does)
            self._open_count += 1
            try:
                yield
            finally:
                self._open_count -= 1
            if not self._open_count:
                self._advance()
        except GateFault as error:
            self._break(error)
            raise

    def expects(self, does: str) -> bool:
        """Whether the present task's next step in the record begins with these words."""
        mine = self._name()
        left = (step for step in self._steps[self._next :] if step.is_host and step.actor == mine)
        found = next(left, None)
        return found is not None and found.does.startswith(does)

    def run(self, name: str, body: Callable[[], None]) -> None:
        """A task's whole life on its thread, from its first step to its last."""
        self._names[get_ident()] = name
        try:
            with self.call("start"):
                pass
            try:
                body()
            finally:
                self._take("end")
                self._alive.discard(name)
                self._advance()
                self._pass_on()
        except Abandoned:
            pass  # the run is over
        except GateFault as error:
            self._break(error)  # the main task meets it
        finally:
            self._names.pop(get_ident(), None)

    def start(self, name: str) -> None:
        """There is a task of this name from now on."""
        self._alive.add(name)

    @property
    def others(self) -> tuple[str, ...]:
        """The tasks that have not ended, besides the main one."""
        return tuple(sorted(self._alive - {MAIN}))

    def release_ahead(self, gate: Gate) -> None:
        """A call that comes may block until its operation is done: release up to it before it.

        Raises: GateFault.
        """
        while self._next < len(self._steps):
            step = self._steps[self._next]
            if step.is_host:
                if step.actor == self._name():
                    break
                raise fault(
                    f"the record has '{step.actor}: {step.does}' while '{self._name()}' is inside "
                    "a copy that blocks"
                )
            self._next += 1
            if step.actor == gate.stream.name and gate.released == gate.enqueued - 1:
                break
            self._release(step)
        gate.raise_by_one()

    # -- how it ends

    def finish(self) -> None:
        """Release what is left, in the order of the record, then all gates.

        Raises: GateFault, also where the record goes on with calls that the program did not make.
        """
        try:
            if self.fault is not None:
                raise self.fault
            for step in self._steps[self._next :]:
                self._next += 1
                if not step.is_host:
                    self._release(step)
                elif not step.does.startswith(CLOSING):
                    raise fault(
                        f"the record has '{step.actor}: {step.does}' where the program has ended"
                    )
        except GateFault as error:
            self._break(error)
            raise
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Open every gate and let every task that waits unwind."""
        self._guard.end()
        self._is_over = True
        self._gates.open()
        with self._turn:
            self._turn.notify_all()

    # -- inside

    def _name(self) -> str:
        name = self._names.get(get_ident())
        if name is None:
            raise fault("a thread that this device did not start made a call")
        return name

    def _take(self, does: str) -> None:
        """Wait until the record has this task's step next, and take it."""
        mine = self._name()
        if self.fault is not None:
            raise self.fault
        if self._running == mine:
            self._advance()
            self._pass_on()
        with self._turn:
            self._turn.wait_for(lambda: self._is_over or self.fault or self._is_next(mine, does))
        if self.fault is not None:
            raise self.fault
        if self._is_over:
            raise Abandoned("the run is over")
        step = self._steps[self._next]
        self._next += 1
        self._running = mine
        said = step.does.startswith(does) if does.endswith("@") else step.does == does
        if not said:
            raise fault(f"the record has '{mine}: {step.does}' where it does '{does}'")

    def _is_next(self, mine: str, does: str) -> bool:
        if self._running is not None:
            return False
        if self._next == len(self._steps):
            raise fault(f"the record ends where '{mine}' still does '{does}'")
        step = self._steps[self._next]
        if step.actor not in self._alive:
            raise fault(
                f"the record has '{step.actor}: {step.does}' where '{mine}' does '{does}', and "
                f"there is no task '{step.actor}'"
            )
        return step.actor == mine

    def _pass_on(self) -> None:
        with self._turn:
            self._running = None
            self._turn.notify_all()

    def _advance(self) -> None:
        """Release what the record executes before the next step of the host."""
        steps = self._steps
        while self.fault is None and self._next < len(steps) and not steps[self._next].is_host:
            step = steps[self._next]
            self._next += 1
            self._release(step)

    def _release(self, step: Pending) -> None:
        if not step.does.startswith(ALLOCATOR_S_OWN):
            self._gates.release(step.actor, step.does)

    def _is_stuck(self, seconds: float) -> None:
        names = ", ".join(f"'{name}'" for name in sorted(self._alive))
        left = self._steps[self._next :]
        wanted = f"'{left[0].actor}: {left[0].does}'" if left else "no more"
        self._break(
            fault(
                f"for {seconds:g} s no step was taken: the record has {wanted} next, and the tasks "
                f"are {names}; one of them waits past the port, or never comes to its next call"
            )
        )

    def _break(self, error: GateFault) -> None:
        """The record cannot be kept: let everything go, and everyone know."""
        self.fault = self.fault or error
        self._gates.open()
        with self._turn:
            self._turn.notify_all()


class Guard:
    """A thread that tells when there was no progress for twice a watchdog's seconds.

    Whoever waits through the port ends after those seconds, and says better what is stuck.
    """

    def __init__(
        self, watchdog: Watchdog, *, progress: Callable[[], int], stuck: Callable[[float], None]
    ) -> None:
        self._seconds = 2 * watchdog.seconds
        self._clock = watchdog.clock
        self._progress = progress
        self._stuck = stuck
        self._ended = Event()
        Thread(target=self._look, name="gate guard", daemon=True).start()

    def end(self) -> None:
        """Look no more."""
        self._ended.set()

    def _look(self) -> None:
        seen, since = self._progress(), self._clock()
        while not self._ended.wait(LOOKS_SECONDS):
            if self._progress() != seen:
                seen, since = self._progress(), self._clock()
            elif self._clock() - since > self._seconds:
                self._stuck(self._seconds)
                return
