"""What a judged run keeps does not grow with its length: the judge, the manager, the device."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from types import FunctionType, ModuleType

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

from lockstep import Checks, Scheduler

from kvcheck.verdict import Outcome
from kvspec.events import Detail

CODE = (type, ModuleType, FunctionType)
SHORT, LONG = 40, 400


def kept(root: object) -> int:
    "How many objects the root keeps alive, classes and functions apart."
    seen, waiting = {id(root)}, [root]
    while waiting:
        for one in gc.get_referents(waiting.pop()):
            if id(one) not in seen and not isinstance(one, CODE):
                seen.add(id(one))
                waiting.append(one)
    return len(seen)


def grown(*, ring: int) -> tuple[int, int]:
    "What is kept after a short and after a long run."
    scheduler, counts = Scheduler(Checks(Detail.PARTS), ring=ring), []
    assert scheduler.judge is not None
    for rounds in (SHORT, LONG):
        while scheduler.requests < rounds * 4:
            scheduler.round()
        counts.append(kept(scheduler))
    assert scheduler.judge.verdict().outcome is Outcome.HOLDS
    assert not scheduler.device.findings
    return counts[0], counts[1]


def test_a_run_ten_times_as_long_keeps_no_more() -> None:
    short, long = grown(ring=8)
    assert long < short * 1.1


def test_a_judge_that_keeps_every_event_is_told_by_the_same_count() -> None:
    short, long = grown(ring=1 << 30)
    assert long > short * 1.5
