"""The block manager under random calls, each reported step taken by the tiered pool's design too.

It shows that the default manager's steps are the design's, action for action and refusal for
refusal, before anything larger is built on it.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from block_bench import Bench
from tiers_judge import Judge, play, settings_for

from kvimpl.blocks import QueueDesign


@pytest.mark.parametrize("design", QueueDesign)
@pytest.mark.parametrize(("primary", "secondary"), [(1, 1), (2, 2), (3, 1), (2, 3)])
def test_every_step_of_the_manager_is_a_step_of_the_design(
    primary: int, secondary: int, design: QueueDesign
) -> None:
    taken: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for seed in range(3):
        judge = Judge(primary, secondary)
        play(Bench(settings_for(judge, design), reporter=judge), seed=seed, count=250)
        taken.update(judge.taken)
        refused.update(judge.refused)
    assert set(taken) == {action.name for action in judge.model.actions}, taken
    assert sum(taken.values()) > 100
    assert len(refused) > 3, refused
