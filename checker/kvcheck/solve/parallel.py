"""Obligations in parallel processes: who works on what, for how long, and what if one dies.

It decides scheduling, never an answer. Each worker is a process with a pipe of its own, so that it
is known which obligation it was on when it died or outstayed its time; it is replaced, and the
rest of its task goes on. Answers come back in the order of the tasks, whatever finished first.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from typing import Protocol, TypeAlias

from kvcheck.solve.answer import Answer
from kvcheck.solve.obligations import Obligation
from kvcheck.verdict import Outcome
from kvspec.lang.ir import Model

POLL_SECONDS = 0.2
JOIN_SECONDS = 2.0
PRELOADED = ("kvcheck.solve.finite", "kvcheck.solve.every_size")


@dataclass(frozen=True, slots=True)
class Task:
    """Obligations that one worker does one after the other, because they share an encoding."""

    model: Model
    action: str
    goals: tuple[Obligation, ...]


class Engine(Protocol):
    """Answers the goals of a task in order; must be picklable, as a frozen dataclass is."""

    def answers(self, task: Task) -> Iterator[Answer]:
        """An answer for each goal of the task."""
        ...


@dataclass(frozen=True, slots=True)
class Fault:
    """The tool failed on this obligation: it is neither proved nor violated."""

    obligation: Obligation
    message: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What a run of tasks came to; `interrupted` where it was stopped before its end."""

    answers: tuple[Answer, ...]
    faults: tuple[Fault, ...]
    interrupted: bool


@dataclass(frozen=True, slots=True)
class _Answered:
    answer: Answer


@dataclass(frozen=True, slots=True)
class _Broke:
    message: str


@dataclass(frozen=True, slots=True)
class _Finished:
    pass


Message: TypeAlias = _Answered | _Broke | _Finished
Observer: TypeAlias = Callable[[Answer], None]


def run_tasks(
    tasks: Sequence[Task],
    engine: Engine,
    *,
    jobs: int,
    watchdog_seconds: float,
    clock: Callable[[], float],
    observe: Observer | None = None,
) -> Batch:
    """Run every task; `jobs` 0 runs them in this process, one after the other.

    `observe` sees each answer as it comes. An obligation that takes longer than the watchdog allows
    (0: no limit) has its worker killed and ends inconclusive.
    """
    tell = observe or _ignore
    collected = _Collected(tell)
    if jobs <= 0:
        interrupted = _run_here(tasks, engine, collected)
    else:
        crew = _Crew(engine, deque(tasks), jobs, watchdog_seconds, clock, collected)
        interrupted = crew.run()
    order = {goal: place for place, goal in enumerate(g for task in tasks for g in task.goals)}
    answers = sorted(collected.answers, key=lambda answer: order[answer.obligation])
    faults = sorted(collected.faults, key=lambda fault: order[fault.obligation])
    return Batch(tuple(answers), tuple(faults), interrupted)


def _ignore(answer: Answer) -> None:
    del answer


@dataclass(slots=True)
class _Collected:
    observe: Observer
    answers: list[Answer] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def answer(self, answer: Answer) -> None:
        self.answers.append(answer)
        self.observe(answer)

    def fault(self, goals: Iterable[Obligation], message: str) -> None:
        self.faults += [Fault(goal, message) for goal in goals]


def _run_here(tasks: Sequence[Task], engine: Engine, collected: _Collected) -> bool:
    try:
        for task in tasks:
            rest = task
            while rest.goals:
                done, message = _step_through(rest, engine, collected)
                rest = _without(rest, done)
                if message:
                    collected.fault(rest.goals[:1], message)
                    rest = _without(rest, 1)
    except KeyboardInterrupt:
        return True
    return False


def _step_through(task: Task, engine: Engine, collected: _Collected) -> tuple[int, str]:
    done = 0
    try:
        for answer in engine.answers(task):
            collected.answer(answer)
            done += 1
    except Exception as fault:  # the border where any failure becomes a named fault
        return done, _described(fault)
    return done, "" if done == len(task.goals) else "the engine left it without an answer"


def _described(fault: BaseException) -> str:
    return f"{type(fault).__name__}: {fault}"


def _without(task: Task, done: int) -> Task:
    return replace(task, goals=task.goals[done:])


# ---- processes -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    task: Task | None = None
    since: float = 0.0


def _serve(pipe: Connection, engine: Engine) -> None:
    """A worker's life: a task, its answers one by one, the next task."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interruption means
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        try:
            for answer in engine.answers(task):
                pipe.send(_Answered(answer))
            pipe.send(_Finished())
        except Exception as fault:  # the border where any failure becomes a named fault
            pipe.send(_Broke(_described(fault)))


def _context() -> ForkServerContext | SpawnContext:
    """Processes forked from a clean server that has loaded the engines once, else spawned ones."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    return context


@dataclass(slots=True)
class _Crew:
    engine: Engine
    waiting: deque[Task]
    jobs: int
    watchdog_seconds: float
    clock: Callable[[], float]
    collected: _Collected
    workers: list[_Worker] = field(default_factory=list)

    def run(self) -> bool:
        """Work through the tasks; whether it was interrupted."""
        try:
            while self._hand_out():
                busy: list[Connection] = [w.pipe for w in self.workers if w.task is not None]
                ready = wait(busy, timeout=POLL_SECONDS)
                for worker in list(self.workers):
                    if worker.pipe in ready:
                        self._listen(worker)
                self._watch()
        except KeyboardInterrupt:
            return True
        finally:
            for worker in list(self.workers):
                self._dismiss(worker)
        return False

    def _hand_out(self) -> bool:
        """Give the idle something to do; whether anything is left to wait for."""
        while self.waiting:
            idle = [worker for worker in self.workers if worker.task is None]
            if not idle and len(self.workers) >= self.jobs:
                break
            worker = idle[0] if idle else self._hire()
            task = self.waiting.popleft()
            if not task.goals:
                continue
            worker.task, worker.since = task, self.clock()
            worker.pipe.send(task)
        return any(worker.task is not None for worker in self.workers)

    def _hire(self) -> _Worker:
        context = _context()
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self.engine), daemon=True)
        process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self.workers.append(worker)
        return worker

    def _dismiss(self, worker: _Worker) -> None:
        self.workers.remove(worker)
        worker.process.kill()
        worker.process.join(JOIN_SECONDS)
        worker.pipe.close()

    def _listen(self, worker: _Worker) -> None:
        task = worker.task
        assert task is not None
        try:
            message: Message = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join(JOIN_SECONDS)
            code = worker.process.exitcode
            self._lose(worker, f"its process died with exit code {code}")
            return
        worker.since = self.clock()
        match message:
            case _Answered(answer=answer):
                self.collected.answer(answer)
                worker.task = _without(task, 1)
            case _Finished():
                self.collected.fault(task.goals, "the engine left it without an answer")
                worker.task = None
            case _Broke(message=text):
                self._blame(task, text)
                worker.task = None

    def _lose(self, worker: _Worker, message: str) -> None:
        task = worker.task
        self._dismiss(worker)
        if task is not None:
            self._blame(task, message)

    def _blame(self, task: Task, message: str) -> None:
        """The goal at hand is at fault; the others of its task are tried again."""
        self.collected.fault(task.goals[:1], message)
        self.waiting.appendleft(_without(task, 1))

    def _watch(self) -> None:
        if self.watchdog_seconds <= 0:
            return
        for worker in list(self.workers):
            task, waited = worker.task, self.clock() - worker.since
            if task is None or not task.goals or waited <= self.watchdog_seconds:
                continue
            self._dismiss(worker)
            reason = f"no answer within {self.watchdog_seconds:g} s, so its process was stopped"
            self.collected.answer(Answer(task.goals[0], Outcome.INCONCLUSIVE, waited, reason))
            self.waiting.appendleft(_without(task, 1))
