"""What a campaign finds, what it must reach, and what it says when it has looked at too little."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path

import pytest
from command_lines import Kvproof

from kvcheck.cli.fuzz_report import obligations
from kvcheck.fuzz import campaign as room
from kvcheck.fuzz.campaign import Campaign, Ending, Keep, Plan, Shrink, fuzz
from kvcheck.fuzz.case import Case, Failure, Ran
from kvcheck.fuzz.corpus import Corpus
from kvcheck.fuzz.looks import EVERYTHING, Look
from kvcheck.fuzz.replay import Applies, replay
from kvcheck.fuzz.runner import JudgeFault, run_case
from kvcheck.fuzz.shrink import ShrinkError, shrink, shrink_calls
from kvcheck.fuzz.unmet import UNMET
from kvcheck.lockstep import Judge
from kvcheck.verdict import Exit, Outcome

ENOUGH = Plan(seed=2, runs_max=400)
"""Reaches all that can be reached, with runs to spare."""


def nowhere(case: Case, ran: Ran) -> Path | None:
    return None


def campaign_of(plan: Plan, *, keep: Keep = nowhere) -> Campaign:
    """A campaign that ends by its runs alone."""
    return fuzz(
        plan,
        run=run_case,
        shrink=shrink,
        keep=keep,
        is_time_up=lambda: False,
        is_interrupted=lambda: False,
    )


@lru_cache
def enough() -> Campaign:
    return campaign_of(ENOUGH)


def rotten(listed: Mapping[str, str], campaign: Campaign) -> set[str]:
    """Listed names that a run met or that no design has, and names neither listed nor met."""
    met = {name for name in campaign.wanted if campaign.hits.get(name)}
    return {n for n in listed if n in met or n not in campaign.wanted} | {
        n for n in campaign.wanted if n not in met and n not in listed
    }


def test_the_right_manager_holds_and_everything_in_reach_is_reached() -> None:
    campaign = enough()
    assert (campaign.runs, campaign.found, campaign.missing()) == (ENOUGH.runs_max, [], ())
    for kind in ("action", "goal", "true", "false"):
        met, count = campaign.met(kind)
        assert met == count > 0
    assert {o.verdict.outcome for o in obligations(campaign, 1.0)} == {Outcome.HOLDS}


def test_the_list_of_what_cannot_be_met_says_neither_too_much_nor_too_little() -> None:
    assert rotten(UNMET, enough()) == set()


def test_a_planted_extra_entry_and_a_missing_one_are_both_told() -> None:
    extra = "false allocate: a primary block is free"
    for name in ("false onboard: it is cached", *UNMET):
        less = {n: reason for n, reason in UNMET.items() if n != name}
        assert rotten(less, enough()) == {name}
    assert rotten({**UNMET, extra: "planted"}, enough()) == {extra}
    assert rotten({**UNMET, "false no: such name": "planted"}, enough()) == {"false no: such name"}


def test_a_name_that_is_no_longer_listed_makes_the_campaign_inconclusive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "UNMET", {})
    assert set(enough().missing()) == set(UNMET)


@pytest.mark.parametrize("manager", ["canary", "s1-1"])
def test_a_bug_is_found_made_smaller_kept_and_replays(manager: str, tmp_path: Path) -> None:
    corpus, kept = Corpus(tmp_path), []

    def keep(case: Case, ran: Ran) -> Path | None:
        assert ran.failure is not None
        kept.append(sum(len(line) for line in case.tasks))
        return corpus.add(case, ran) or corpus.path_of(case.manager, ran.failure)

    campaign = campaign_of(Plan(seed=1, manager=manager, runs_max=60, classes_max=1), keep=keep)

    (found,) = campaign.found
    assert campaign.ending is Ending.ENOUGH
    assert found.path is not None
    assert kept[-1] < kept[0]
    ((file, entry),) = ((k.path, k.entry) for k in corpus.entries().good)
    assert (file, entry.case, entry.failure) == (found.path, found.case, found.failure)
    assert replay(entry, run_case).applies is Applies.SAME
    assert replay(entry, run_case, manager="blocks").applies is Applies.GONE


@pytest.mark.parametrize("shrinks", [shrink_calls, shrink])
def test_a_failure_that_comes_once_keeps_its_case_where_the_device_orders(shrinks: Shrink) -> None:
    """Only the third run fails, as on hardware; where runs repeat, that is a fault of the tool."""
    went: list[Case] = []

    def moody(case: Case) -> Ran:
        went.append(case)
        return Ran(Failure("bytes", "a reader", "wrong") if len(went) == 3 else None, "", 1)

    def campaign() -> Campaign:
        return fuzz(
            Plan(runs_max=5, device="cuda", blind="much"),
            run=moody,
            shrink=shrinks,
            keep=nowhere,
            is_time_up=lambda: False,
            is_interrupted=lambda: False,
        )

    if shrinks is shrink:
        with pytest.raises(ShrinkError, match="came to no failure"):
            campaign()
        return
    (found,) = campaign().found
    assert (found.case, found.run) == (went[2], 3)


@pytest.mark.parametrize("looks", [EVERYTHING, frozenset()])
def test_the_bound_of_a_campaign_names_what_no_judge_saw(looks: frozenset[Look]) -> None:
    """The verdict is blind to neither order nor payload; without the witnesses it says so."""
    campaign = fuzz(
        Plan(seed=1, runs_max=20),
        run=partial(run_case, looks=looks),
        shrink=shrink,
        keep=nowhere,
        is_time_up=lambda: False,
        is_interrupted=lambda: False,
    )
    bound = obligations(campaign, 1.0)[0].verdict.bound
    assert bound.endswith("seed 1" if looks else "seed 1; blind to order, payload")


def test_too_few_runs_are_inconclusive(kvproof: Kvproof) -> None:
    ran = kvproof("fuzz", "--runs", "2", "--quiet")
    assert ran.code == Exit.INCONCLUSIVE
    assert "blocks: inconclusive: " in ran.out
    assert "NOT REACHED" in ran.out


def test_zero_runs_exit_5(kvproof: Kvproof) -> None:
    ran = kvproof("fuzz", "--runs", "0", "--quiet")
    assert ran.code == Exit.NOTHING_RAN
    assert "blocks: not run" in ran.out


def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge breaks at its fifth event."""
    report = Judge.report

    def breaking(self: Judge, event: object, shown: object) -> None:
        report(self, event, shown)  # type: ignore[arg-type]
        if self.number == 5:
            raise KeyError("planted")

    monkeypatch.setattr(Judge, "report", breaking)


@pytest.mark.parametrize("manager", ["blocks", "kv-002"])
def test_a_judge_that_breaks_is_no_failure_of_the_manager(
    monkeypatch: pytest.MonkeyPatch, manager: str
) -> None:
    broken(monkeypatch)
    with pytest.raises(JudgeFault, match="The judge broke with KeyError: 'planted'") as caught:
        campaign_of(Plan(manager=manager, runs_max=30))
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_judge_that_breaks_exits_3_and_keeps_no_finding(
    kvproof: Kvproof, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken(monkeypatch)
    ran = kvproof("fuzz", "--runs", "30", "--quiet", "--corpus", str(tmp_path / "corpus"))
    assert ran.code == Exit.TOOL_FAULT
    assert "The judge broke" in ran.err
    assert not list(tmp_path.glob("corpus/*.json"))
