"""The judge lets the right manager through, and refuses the known bugs where they happen."""

from __future__ import annotations

import contextlib

import pytest
from block_bench import A, Bench
from tiers_judge import Judge as Sizes
from tiers_judge import play, settings_for

import kvspec.events as events
from kvcheck.lockstep import Judge, Reason, Refused, UnjudgeableShape, text_of, tiers
from kvcheck.verdict import Outcome
from kvimpl.bugs import BUGS, Evidence, Needs
from kvspec.events import Event, Observation, Shape, Shown

SETTINGS = settings_for(Sizes(2, 2))
DESIGN = tiers(SETTINGS.shape)
MISUSED = {"kv-002"}
SEEN = [
    bug
    for bug in BUGS.values()
    if bug.design == "tiers"
    and bug.evidence is not Evidence.BYTES
    and Needs.THREADS not in bug.needs
    and bug.id not in MISUSED
]


def test_the_right_manager_is_judged_well() -> None:
    for seed in range(3):
        judge = Judge(DESIGN)
        play(Bench(SETTINGS, reporter=judge), seed=seed, count=500)
        assert judge.verdict().outcome is Outcome.HOLDS
        assert set(judge.taken) == set(DESIGN.actions)
        assert judge.last_good == judge.number


@pytest.mark.parametrize("bug", SEEN, ids=lambda bug: bug.id)
def test_a_bug_that_bookkeeping_shows_is_refused(bug) -> None:  # type: ignore[no-untyped-def]
    for seed in range(6):
        judge = Judge(DESIGN)
        at = Bench(SETTINGS, reporter=judge, pool=bug.pool, manager_class=bug.manager)
        with contextlib.suppress(Refused):
            play(at, seed=seed, count=150)
        if judge.refusal is not None:
            break
    refusal = judge.refusal
    assert refusal is not None
    assert refusal.last_good == refusal.number - 1
    assert {near.action for near in refusal.frontier} == set(DESIGN.actions)
    assert judge.verdict().outcome is Outcome.VIOLATED
    assert (refusal.reason is Reason.PART) == (bug.evidence is Evidence.PART)


def test_s1_1_is_refused_at_the_claim_that_names_the_other_level() -> None:
    with pytest.raises(Refused) as refused:
        play(Bench(SETTINGS, reporter=Judge(DESIGN), pool=BUGS["s1-1"].pool), seed=0, count=150)
    refusal = refused.value.refusal
    assert isinstance(refusal.event, events.Claim)
    assert refusal.conjunct is not None
    assert refusal.conjunct.label == "the block is queued at the level that was told"
    assert "pool.py" in text_of(refusal)


def test_the_canary_is_refused_at_the_first_allocation() -> None:
    judge = Judge(DESIGN)
    at = Bench(SETTINGS, reporter=judge, pool=BUGS["canary"].pool)
    with pytest.raises(Refused):
        at.manager.allocate(A)
    assert judge.refusal is not None
    assert [d.field for d in judge.refusal.disagreements] == ["free_count"]


def test_no_event_is_not_run() -> None:
    assert Judge(DESIGN).verdict().outcome is Outcome.NOT_RUN


class Altered:
    "What a manager shows, with one field replaced."

    def __init__(self, shown: Shown, **fields: object) -> None:
        self.shape: Shape = shown.shape
        self.fields, self.shown = fields, shown

    def observe(self) -> Observation:
        return self.shown.observe()._replace(**self.fields)  # type: ignore[arg-type]


class Corrupting:
    "Passes events on, with one field of what is shown replaced."

    def __init__(self, judge: Judge, field: str, value: object) -> None:
        self.judge, self.detail, self.fields = judge, judge.detail, {field: value}

    def report(self, event: Event, shown: Shown) -> None:
        is_first = isinstance(event, events.BeginStep) and None not in self.fields.values()
        self.judge.report(event, shown if is_first else Altered(shown, **self.fields))


@pytest.mark.parametrize("field", [field.name for field in DESIGN.fields])
def test_each_field_that_is_wrong_is_noticed_and_named(field: str) -> None:
    judge = Judge(DESIGN)
    at = Bench(SETTINGS, reporter=Corrupting(judge, field, ()))
    with pytest.raises(Refused) as refused:
        at.manager.allocate(A)
    assert {d.field for d in refused.value.refusal.disagreements} == {field}


@pytest.mark.parametrize("field", [field.name for field in DESIGN.fields])
def test_a_blind_spot_is_not_compared_and_is_declared(field: str) -> None:
    judge = Judge(DESIGN)
    play(Bench(SETTINGS, reporter=Corrupting(judge, field, None)), seed=0, count=100)
    assert judge.verdict().outcome is Outcome.HOLDS
    assert field in judge.verdict().bound


def test_a_manager_with_priorities_cannot_be_judged_by_the_tiered_pool() -> None:
    shape = Shape(
        primary_count=1,
        secondary_count=1,
        priority_count=2,
        references_max=1,
        pins_max=1,
        copies_max=1,
    )
    with pytest.raises(UnjudgeableShape):
        tiers(shape)
