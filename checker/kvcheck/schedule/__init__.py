"""Chooses the order in which host tasks and streams take their steps; knows no cache and no device.

A schedule is anything with `pick` (`kvimpl.device.port.steps.Schedule`). One run uses one schedule.
"""

from __future__ import annotations

from kvcheck.schedule.chance import Pct, Random
from kvcheck.schedule.exhaustive import Budget, Explored, Reach, Reduction, explore
from kvcheck.schedule.fixed import Eager, HostFirst
from kvcheck.schedule.repeat import Difference, difference
from kvcheck.schedule.replay import Recorder, Replay, ReplayDiverged
from kvcheck.schedule.text import parsed, written

__all__ = [
    "Budget",
    "Difference",
    "Eager",
    "Explored",
    "HostFirst",
    "Pct",
    "Random",
    "Reach",
    "Recorder",
    "Reduction",
    "Replay",
    "ReplayDiverged",
    "difference",
    "explore",
    "parsed",
    "written",
]
