"""A recorded run is judged as the run itself was."""

from __future__ import annotations

import pytest
from block_bench import Bench
from tiers_judge import Judge as Sizes
from tiers_judge import play, settings_for

from kvcheck.lockstep import Judge, OnRefusal, Refused, design_for, judge_recorded
from kvcheck.verdict import Outcome
from kvimpl.blocks import BlockError, BlockPool
from kvimpl.bugs import BUGS
from kvspec.events import Event, Observation, Shown

SETTINGS = settings_for(Sizes(2, 2))
DESIGN = design_for(SETTINGS.shape)


class Recording:
    "Keeps what a judge is told."

    def __init__(self, judge: Judge) -> None:
        self.judge, self.detail = judge, judge.detail
        self.pairs: list[tuple[Event, Observation]] = []

    def report(self, event: Event, shown: Shown) -> None:
        self.pairs.append((event, shown.observe()))
        self.judge.report(event, shown)


@pytest.mark.parametrize("pool", [BlockPool, BUGS["s1-1"].pool, BUGS["s1-5"].pool])
def test_a_recorded_run_gets_the_verdict_of_the_run(pool: type[BlockPool]) -> None:
    live = Judge(DESIGN, on_refusal=OnRefusal.KEEP)
    recording = Recording(live)
    at = Bench(SETTINGS, reporter=recording, pool=pool)
    try:
        play(at, seed=0, count=200)
    except (BlockError, KeyError, ValueError, IndexError):
        assert live.refusal is not None
    later = Judge(DESIGN, on_refusal=OnRefusal.KEEP)
    judge_recorded(later, recording.pairs)
    assert later.verdict() == live.verdict()
    assert (live.refusal is None) == (pool is BlockPool)
    if live.refusal is not None:
        assert later.refusal is not None
        assert later.refusal.number == live.refusal.number
        with pytest.raises(Refused):
            judge_recorded(Judge(DESIGN), recording.pairs)


def test_no_record_is_not_run() -> None:
    judge = Judge(DESIGN)
    judge_recorded(judge, [])
    assert judge.verdict().outcome is Outcome.NOT_RUN
