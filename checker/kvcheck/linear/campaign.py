"""Many histories, drawn one after another from one seed, until one fails or the count is reached.

It decides where the threads run, how a failing history is made small, and what the whole amounts
to; a history's own verdict is the judge's. The idea: on the simulated device a run is a function of
its seeds, so a failure can be had again with fewer calls; on real threads it cannot, and is shown
as it was seen.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum

from kvcheck.linear.block import BlockContract
from kvcheck.linear.drive import ROOM, USUAL, Build, Program, manager_of, record
from kvcheck.linear.history import History
from kvcheck.linear.host import host_device
from kvcheck.linear.judge import Judged, judge
from kvcheck.schedule import Pct, Random
from kvcheck.verdict import Evidence, Outcome, Verdict
from kvimpl.device.port.steps import Schedule
from kvimpl.device.sim import run

SWITCH_SECONDS = 1e-5
"""How soon a real thread must give way; the interpreter's own 5 ms is longer than most calls."""


class Where(Enum):
    """Who decides which thread goes on."""

    THREADS = "threads"
    SIM = "sim"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to draw; program number n is `program.numbered(n)`."""

    program: Program
    runs_max: int
    where: Where = Where.THREADS


@dataclass(slots=True)
class Campaign:
    """What came of it."""

    plan: Plan
    run_count: int = 0
    operation_count: int = 0
    unjudged_count: int = 0
    failed: Judged | None = None
    failed_program: Program | None = None
    open_count: int = 0
    is_time_up: bool = False
    is_interrupted: bool = False

    def verdict(self) -> Verdict:
        """One verdict on all histories together."""
        program = self.plan.program
        bound = (
            f"{_counted(self.run_count, 'history', 'histories')} of "
            f"{_counted(program.operation_count, 'call', 'calls')} by "
            f"{_counted(program.thread_count, 'thread', 'threads')} on {self.plan.where.value}; "
            f"{self.unjudged_count} of {self.operation_count} answers not judged"
        )
        if self.failed is not None:
            return Verdict(Outcome.VIOLATED, Evidence.NONE, bound, self.failed.verdict.reason)
        if not self.run_count:
            return Verdict(Outcome.NOT_RUN, Evidence.NONE, bound, "no history was made")
        if self.operation_count == self.unjudged_count:
            return Verdict(Outcome.NOT_RUN, Evidence.NONE, bound, "no answer was judged")
        if self.open_count:
            reason = f"budget: {self.open_count} histories were not searched out"
            return Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, bound, reason)
        if self.run_count < self.plan.runs_max:
            reason = f"budget: {self.plan.runs_max} histories were asked for"
            return Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, bound, reason)
        return Verdict(Outcome.HOLDS, Evidence.OBSERVED, bound)


def examine(
    plan: Plan,
    *,
    build: Build = manager_of,
    is_time_up: Callable[[], bool] = lambda: False,
    is_interrupted: Callable[[], bool] = lambda: False,
    tell: Callable[[Campaign], None] = lambda so_far: None,
) -> Campaign:
    """Draw, run and judge; stops at the first history that fails."""
    done = Campaign(plan)
    contract = BlockContract(pins_max=ROOM)
    for number in range(plan.runs_max):
        done.is_time_up, done.is_interrupted = is_time_up(), is_interrupted()
        if done.is_time_up or done.is_interrupted:
            break
        program = plan.program.numbered(number)
        judged = judge(history_of(program, plan.where, build), contract)
        done.run_count += 1
        done.operation_count += judged.operation_count
        done.unjudged_count += judged.unjudged_count
        done.open_count += judged.verdict.outcome is Outcome.INCONCLUSIVE
        tell(done)
        if judged.verdict.outcome is Outcome.VIOLATED:
            done.failed, done.failed_program = judged, program
            if plan.where is Where.SIM:
                done.failed_program, done.failed = smaller(program, judged, build, contract)
            break
    return done


def history_of(program: Program, where: Where, build: Build = manager_of) -> History:
    """One history. On the simulated device it depends on the program and the manager only."""
    if where is Where.THREADS:
        with _quick_switches():
            return record(host_device(), program, build)
    ran = run(lambda device: record(device, program, build), schedule_of(program))
    if ran.error is not None:
        raise ran.error
    assert ran.outcome is not None
    return ran.outcome


def schedule_of(program: Program) -> Schedule:
    """Every other program switches at drawn places: at few, or every few calls if it is a crowd.
    The rest switch anywhere."""
    if program.seed % 2:
        steps = 5 * program.operation_count // 2
        depth = 3 if program.weights == USUAL else max(3, program.operation_count // 2)
        return Pct(program.seed, depth=min(depth, steps), steps=steps)
    return Random(program.seed)


def smaller(
    program: Program, judged: Judged, build: Build, contract: BlockContract
) -> tuple[Program, Judged]:
    """The failing program with as few calls as a search by halves finds; it fails, too."""
    best, step = (program, judged), program.operation_count // 2
    while step:
        fewer = best[0].operation_count - step
        tried = replace(best[0], operation_count=fewer) if fewer else best[0]
        again = judge(history_of(tried, Where.SIM, build), contract)
        if fewer and again.verdict.outcome is Outcome.VIOLATED:
            best = tried, again
        else:
            step //= 2
    return best


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


@contextmanager
def _quick_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
