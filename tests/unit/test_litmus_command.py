"""`kvproof litmus`: its exit codes say what was seen, what was not run, and what is not there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kvcheck.cli.entry import run
from kvcheck.cli.litmus_command import judged
from kvcheck.litmus import SUITE, Seen, on_sim
from kvcheck.verdict import Exit, Outcome

TEST = SUITE["two_streams_are_unordered"]


def test_the_suite_holds_on_sim(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["litmus"]) == Exit.OK
    said = capsys.readouterr().out
    assert f"{len(SUITE)} of {len(SUITE)} litmus programs hold on sim" in said


def test_nothing_selected_is_no_success_and_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["litmus", "--select", "fifo_same_steam"]) == Exit.NOTHING_RAN
    said = capsys.readouterr()
    assert said.out == ""
    assert "Did you mean fifo_same_stream?" in said.err


def test_a_budget_that_ran_out_is_inconclusive() -> None:
    assert run(["litmus", "--budget", "0s"]) == Exit.INCONCLUSIVE


def test_no_gpu_is_an_absent_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    from kvcheck.litmus import on_cuda
    from kvimpl.device.cuda import NoCudaDevice

    def absent() -> None:
        raise NoCudaDevice("no driver")

    monkeypatch.setattr(on_cuda, "cuda_devices", absent)
    assert run(["litmus", "--device", "cuda"]) == Exit.ENVIRONMENT_ABSENT


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        (on_sim(TEST.program), Outcome.HOLDS),
        (replace(on_sim(TEST.program), outcomes=frozenset({(3,)})), Outcome.VIOLATED),
        (replace(on_sim(TEST.program), outcomes=frozenset({(1,)})), Outcome.VIOLATED),
        (replace(on_sim(TEST.program), is_racy=False), Outcome.VIOLATED),
        (on_sim(TEST.program, runs_max=1), Outcome.INCONCLUSIVE),
    ],
    ids=["all", "not allowed", "one missing", "race missed", "budget"],
)
def test_a_result_is_called_what_it_is(seen: Seen, outcome: Outcome) -> None:
    assert judged(TEST, seen, "sim", 0.0).verdict.outcome is outcome
