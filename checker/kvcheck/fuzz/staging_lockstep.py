"""A staging in lockstep with its design: each step of a drawn run is taken in both.

It decides what a run under the judge came to. The run is the one of `fuzz.staging`, whose other
signs are not looked at here: what the design refuses is told from what bytes and order show.
"""

from __future__ import annotations

from functools import lru_cache

from kvcheck.fuzz.runner import JudgeFault
from kvcheck.fuzz.staging import AHEAD, SHAPE, SLOT_COUNT, Kind, Scheduler, StagingCase
from kvcheck.lockstep.judge import OnRefusal
from kvcheck.lockstep.staged import StagedDesign
from kvcheck.lockstep.staged_copied import staging_v1
from kvcheck.lockstep.staged_gathered import staging_v2
from kvcheck.lockstep.staged_judge import StagedJudge
from kvcheck.lockstep.staged_watch import ShipmentWatch
from kvcheck.schedule import Budget, Explored, explore
from kvcheck.verdict import Outcome
from kvimpl.device.port import DeviceError
from kvimpl.device.port.steps import Schedule
from kvimpl.device.sim import run
from kvimpl.staging import StagingError


def stepped(kind: Kind, case: StagingCase, schedule: Schedule) -> StagedJudge:
    """Run the case under the schedule, judged step by step; the judge knows what came of it.

    An error of the staging ends the run, and is no sign here.

    Raises:
        JudgeFault: the judge came to no verdict, so that its silence would say nothing.
        Abandoned: as the schedule does.
    """
    watch = ShipmentWatch(SHAPE)
    design = design_of(kind.is_gathered, case.depth)
    judge = StagedJudge(design, watch, on_refusal=OnRefusal.KEEP)
    ran = run(
        lambda device: Scheduler(watch.over(device), kind, case, [], reporter=judge).run(),
        schedule,
        executed=watch.executed,
    )
    if ran.error is not None and not isinstance(ran.error, StagingError | DeviceError):
        raise ran.error  # a fault of the judge's own is no verdict
    verdict = judge.verdict()
    if verdict.outcome not in (Outcome.HOLDS, Outcome.VIOLATED):
        raise JudgeFault(
            f"The judge of the steps came to no verdict: {verdict.reason}. The run is larger than "
            f"its design's instance, or ended before its first step ({ran.error or 'no error'}). "
            "Judge by a larger instance, or mend the staging; the run counts as not made."
        )
    return judge


def every_step(
    kind: Kind, case: StagingCase, budget: Budget, *, to_first: bool = False
) -> Explored[str]:
    """The case under every order that can make a difference: the action refused, or nothing."""
    return explore(
        lambda schedule: refused_at(stepped(kind, case, schedule)),
        budget=budget,
        stop=bool if to_first else None,
    )


def refused_at(judge: StagedJudge) -> str:
    """The action whose step was refused; empty if none was."""
    if judge.refusal is None:
        return ""
    return str(getattr(judge.refusal.event, "action", type(judge.refusal.event).__name__))


@lru_cache(maxsize=16)
def design_of(is_gathered: bool, depth: int) -> StagedDesign:
    """The design of a staging that gathers, or copies, under the scheduler of `fuzz.staging`."""
    if is_gathered:
        return staging_v2(slots=SLOT_COUNT, depth=depth)
    return staging_v1(slots=SLOT_COUNT, depth=AHEAD)
