"""One run of a random program foretells a race wherever another order ends otherwise.

The same random programs end alike on the device, by the axioms and in the design.
"""

from __future__ import annotations

import pytest

from kvcheck.litmus import on_sim
from kvcheck.litmus.axioms import by_axioms
from kvcheck.litmus.draw import drawn, foretell
from kvcheck.litmus.operational import by_design
from kvimpl.device.sim.clocks import Shadow


def test_whatever_depends_on_the_order_is_flagged_in_one_run() -> None:
    told = foretell(range(200))
    assert told.missed == ()
    assert told.undecided == 0
    assert told.dependent >= 50
    assert told.clean >= 50


def test_a_watch_that_sees_no_races_misses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Shadow, "touch", lambda self, seen, clock: [])
    told = foretell(range(20))
    assert len(told.missed) == told.dependent > 0


@pytest.mark.parametrize("seed", range(10))
def test_three_formalisms_agree_on_a_random_program(seed: int) -> None:
    made = drawn(seed)
    seen, stated, designed = on_sim(made), by_axioms(made), by_design(made)
    assert seen.is_complete
    assert stated.is_complete
    assert designed.is_complete
    assert seen.outcomes == stated.outcomes == designed.outcomes
    assert seen.is_racy == stated.is_racy
