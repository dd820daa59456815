"""Many hunts at once: each a known bug and an engine, in processes of their own.

It decides who runs where and what an interruption leaves; what a hunt is, is `kills`. With one job
everything runs in this process, in order. A process that dies is a fault of the tool.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from kvcheck.cli.choose import choose
from kvcheck.cli.effort import usable_cores
from kvcheck.cli.faults import Fault
from kvcheck.cli.kills import ENGINES, Conditions, Hunt
from kvcheck.cli.progress import Ticker
from kvcheck.cli.searching import now
from kvcheck.cli.settings import Settings, Voice
from kvcheck.verdict import Exit

TASKS_FOR_PROCESSES_MIN = 24  # fewer are done before a second process has loaded its engines


@dataclass(frozen=True, slots=True)
class Task:
    """One hunt: the bug's id and the engine's name."""

    bug: str
    engine: str


@dataclass(frozen=True, slots=True)
class Done:
    """A hunt that came to an end."""

    task: Task
    hunt: Hunt
    seconds: float


def run_hunts(tasks: Sequence[Task], settings: Settings) -> Iterator[Done]:
    """Every hunt as it ends; raises KeyboardInterrupt when interrupted, the processes ended."""
    ticker = Ticker(settings.voice, clock=now)
    wanted = settings.jobs or (usable_cores() if len(tasks) >= TASKS_FOR_PROCESSES_MIN else 1)
    jobs = min(wanted, len(tasks))
    if jobs <= 1:
        for task in tasks:
            yield _hunt(task, Conditions(1, settings.budget_seconds, ticker))
        return
    context = multiprocessing.get_context("spawn" if os.name == "nt" else "forkserver")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_be_deaf) as pool:
        waiting = {pool.submit(_hunt_quietly, t, settings.budget_seconds) for t in tasks}
        try:
            yield from _as_they_end(waiting, len(tasks), ticker)
        except BaseException:
            for process in multiprocessing.active_children():
                process.terminate()
            raise
        finally:
            ticker.done()


def _as_they_end(waiting: set[Future[Done]], total: int, ticker: Ticker) -> Iterator[Done]:
    while waiting:
        ended, waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
        ticker.tell({"hunts": total - len(waiting), "of": total})
        for future in ended:
            try:
                yield future.result()
            except BrokenProcessPool as error:
                raise Fault(
                    "A process that hunted a bug died.",
                    cause="It ran out of memory, or an engine crashed.",
                    mend="Run again with --jobs 1 to see which bug it is.",
                    code=Exit.TOOL_FAULT,
                ) from error


def _be_deaf() -> None:
    """Ctrl-C is for the parent, which ends its children."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _hunt_quietly(task: Task, budget_seconds: float | None) -> Done:
    return _hunt(task, Conditions(1, budget_seconds, Ticker(Voice.QUIET, clock=now)))


def _hunt(task: Task, conditions: Conditions) -> Done:
    from kvspec.bugs import BUGS

    begun = now()
    hunt = ENGINES[task.engine](BUGS[task.bug], choose(task.bug, ()), conditions)
    return Done(task, hunt, now() - begun)
