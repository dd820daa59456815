"""Every litmus program ends, on the simulated device, in exactly the outcomes that are allowed.

All orders are run. Whether some run reports a race must be as stated; a clean program reports none
in any run, under chosen schedules too.
"""

from __future__ import annotations

import pytest

from kvcheck.litmus import SUITE, on_sim
from kvcheck.litmus.on_sim import once
from kvcheck.schedule import Eager, HostFirst, Random


@pytest.mark.parametrize("name", SUITE)
def test_a_program_ends_in_exactly_what_is_allowed(name: str) -> None:
    test = SUITE[name]
    seen = on_sim(test.program)
    assert (seen.outcomes, seen.is_racy, seen.is_complete) == (test.allowed, test.is_racy, True)


@pytest.mark.parametrize("name", [name for name, test in SUITE.items() if not test.is_racy])
def test_a_clean_program_is_clean_under_any_schedule(name: str) -> None:
    for schedule in (Eager(), HostFirst(), *(Random(seed) for seed in range(5))):
        ran = once(SUITE[name].program, schedule)
        assert ran.error is None
        assert ran.findings == (), schedule


def test_a_budget_that_runs_out_is_not_called_complete() -> None:
    seen = on_sim(SUITE["two_streams_are_unordered"].program, runs_max=1)
    assert not seen.is_complete
    assert len(seen.outcomes) == 1
