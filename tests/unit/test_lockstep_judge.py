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
from kvimpl.blocks import BlockPool, Keep
from kvimpl.bugs import BUGS, Evidence, Needs
from kvimpl.device.port import Mark
from kvspec.events import (
    BlockId,
    Event,
    Generation,
    Key,
    Observation,
    RequestId,
    Shape,
    Shown,
)

SETTINGS = settings_for(Sizes(2, 2))
DESIGN = tiers(SETTINGS.shape)
COMPARED = [*(field.name for field in DESIGN.fields), "generations"]
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


@pytest.mark.parametrize("field", COMPARED)
def test_each_field_that_is_wrong_is_noticed_and_named(field: str) -> None:
    judge = Judge(DESIGN)
    at = Bench(SETTINGS, reporter=Corrupting(judge, field, ()))
    with pytest.raises(Refused) as refused:
        at.manager.allocate(A)
    assert {d.field for d in refused.value.refusal.disagreements} == {field}


@pytest.mark.parametrize("field", COMPARED)
def test_a_blind_spot_is_not_compared_and_is_declared(field: str) -> None:
    judge = Judge(DESIGN)
    play(Bench(SETTINGS, reporter=Corrupting(judge, field, None)), seed=0, count=100)
    assert judge.verdict().outcome is Outcome.HOLDS
    assert field in judge.verdict().bound


class Uncounted(BlockPool):
    "Hands blocks out and forgets to say that the content is new."

    def hand_out(self, b: BlockId, r: RequestId, keep: Keep) -> None:
        super().hand_out(b, r, keep)
        self.generations[b] = Generation(1)


def test_a_generation_that_is_used_twice_is_refused_when_it_is_told() -> None:
    judge = Judge(DESIGN)
    at = Bench(SETTINGS, reporter=judge, pool=Uncounted)
    at.manager.release(at.manager.allocate(A), A)
    at.manager.release(at.manager.allocate(A), A)
    with pytest.raises(Refused) as refused:
        at.manager.allocate(A)
    refusal = refused.value.refusal
    assert refusal.reason is Reason.TOLD
    assert [(d.cell, d.shown, d.wanted) for d in refusal.disagreements] == [
        ("Allocate.generation", "1", "2")
    ]


class OtherKey(BlockPool):
    "Files the content under another key than it says."

    def commit(self, b: BlockId, r: RequestId, key: Key, ready: Mark) -> None:
        self.keys[b] = Key(key + b"!")
        self.block_of[key] = b
        if self.reporter is not None:
            self.reporter.report(events.Commit(b, r, key), self)


def test_a_content_under_another_key_is_refused() -> None:
    at = Bench(SETTINGS, reporter=Judge(DESIGN), pool=OtherKey)
    with pytest.raises(Refused) as refused:
        at.cached("x")
    assert [d.cell for d in refused.value.refusal.disagreements] == ["keys[block0]"]


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
