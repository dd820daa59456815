"""A manager with priorities is judged by both designs; case S1.6 is refused where it happens."""

from __future__ import annotations

import contextlib
import random

import pytest
from block_bench import A, B, Bench, key

import kvspec.events as events
from kvcheck.lockstep import Judge, OnRefusal, Reason, Refused, UnjudgeableShape, design_for
from kvcheck.verdict import Outcome
from kvimpl.blocks import BlockError, BlockHandle, BlockPool, Keep, PoolSettings
from kvimpl.blocks.errors import QueueFault
from kvimpl.bugs import BUGS
from kvspec.events import Detail, Event, Priority, RequestId, Shown

SETTINGS = PoolSettings(
    primary_count=2,
    secondary_count=2,
    slot_bytes=4,
    priority_count=3,
    default_priority=Priority(1),
    offload_priority_min=Priority(1),
    references_max=4,
    pins_max=2,
    copies_max=2,
)
DESIGN = design_for(SETTINGS.shape, request_count=4)


def play(at: Bench, *, seed: int, count: int) -> None:
    "Random calls with wishes, on a clock that goes on by itself."
    rng = random.Random(seed)
    held: list[tuple[BlockHandle, RequestId]] = []
    pins = []
    for _ in range(count):
        request, name = RequestId(rng.randrange(3)), key(rng.choice("abcde"))
        at.clock.now += rng.randrange(3)
        try:
            match rng.randrange(11):
                case 0 | 1:
                    keep = Keep(
                        priority=Priority(rng.randrange(3)),
                        seconds=rng.choice([None, 2.0, 9.0]),
                    )
                    held.append((at.manager.allocate(request, keep=keep), request))
                case 2 | 3:
                    got = at.manager.acquire(request, name)
                    if isinstance(got, BlockHandle):
                        held.append((got, request))
                case 4 | 5 if held:
                    handle, holder = rng.choice(held)
                    at.manager.commit(handle, holder, name)
                case 6 if held:
                    handle, holder = held.pop(rng.randrange(len(held)))
                    at.manager.release(handle, holder)
                case 7:
                    receipt = at.manager.pin_key(name)
                    pins += [receipt] if receipt else []
                case 8 if pins:
                    at.manager.unpin(pins.pop(rng.randrange(len(pins))))
                case 9:
                    at.device.run(stream=rng.randrange(3), limit=1 + rng.randrange(2))
                    at.manager.poll()
                    at.manager.end_step()
                    at.manager.begin_step()
                case 10:
                    at.manager.refresh()
        except QueueFault:
            raise
        except BlockError:
            continue


def judged(name: str, *, detail: Detail = Detail.PARTS) -> tuple[Judge, Bench]:
    "A manager with that bug, at the sizes at which it shows, on a bench of its own."
    bug = BUGS[name]
    settings = bug.sized(slot_bytes=4)
    judge = Judge(design_for(settings.shape), detail=detail)
    return judge, Bench(settings, reporter=judge, pool=bug.pool, manager_class=bug.manager)


@pytest.mark.parametrize("detail", Detail)
def test_the_right_manager_with_priorities_is_judged_well(detail: Detail) -> None:
    seen: set[str] = set()
    for seed in range(4):
        judge = Judge(DESIGN, detail=detail)
        play(Bench(SETTINGS, reporter=judge), seed=seed, count=600)
        assert judge.verdict().outcome is Outcome.HOLDS
        assert "3 priorities" in judge.verdict().bound
        seen |= set(judge.taken)
        assert "offload_allocate: it is worth a copy" in judge.refused
    assert seen == set(DESIGN.actions)


def test_a_claim_that_erases_the_time_is_refused_at_the_offload() -> None:
    judge, at = judged("s1-6")
    kept = at.manager.allocate(A, keep=Keep(priority=Priority(2), seconds=10.0))
    at.write(kept, "x")
    at.manager.commit(kept, A, key("x"))
    at.manager.release(kept, A)
    with pytest.raises(Refused):
        at.manager.allocate(B)
    refusal = judge.refusal
    assert refusal is not None
    assert isinstance(refusal.event, events.OffloadAllocate)
    assert refusal.reason is Reason.SHOWN
    assert [(d.cell, d.shown, d.wanted) for d in refusal.disagreements] == [
        ("timed[block0]", "False", "True")
    ]


def test_a_block_in_use_that_awaits_expiry_is_refused_at_the_claim() -> None:
    judge, at = judged("s1-6-expires-in-use")
    kept = at.manager.allocate(A, keep=Keep(priority=Priority(2), seconds=10.0))
    at.write(kept, "x")
    at.manager.commit(kept, A, key("x"))
    at.manager.release(kept, A)
    with pytest.raises(Refused):
        at.hit("x", B)
    refusal = judge.refusal
    assert refusal is not None
    assert isinstance(refusal.event, events.Reuse)
    assert [(d.cell, d.shown, d.wanted) for d in refusal.disagreements] == [
        ("expiring", "{0}", "{}")
    ]


def test_a_copy_of_what_is_not_worth_one_is_refused_by_its_guard() -> None:
    judge, at = judged("s1-6-unworthy")
    low = at.manager.allocate(A, keep=Keep(priority=Priority(0)))
    at.write(low, "x")
    at.manager.commit(low, A, key("x"))
    at.manager.release(low, A)
    with pytest.raises(Refused):
        at.manager.allocate(B)
    refusal = judge.refusal
    assert refusal is not None
    assert refusal.reason is Reason.DISABLED
    assert refusal.conjunct is not None
    assert refusal.conjunct.label == "it is worth a copy"
    assert refusal.conjunct.source is not None
    assert refusal.conjunct.source.file.endswith("retention.py")


class YoungestGoesFirst(BlockPool):
    "Demotes to the front of the queue, where it would be the next to go."

    def expire(self, b: events.BlockId) -> None:
        self.claim(b)
        self.ask(b, Keep(priority=self.settings.default_priority))
        self.put_back(b, end=events.End.FRONT)
        if self.reporter is not None:
            self.reporter.report(events.Expire(b), self)


def test_the_order_within_a_priority_is_compared() -> None:
    judge = Judge(DESIGN, on_refusal=OnRefusal.KEEP)
    at = Bench(SETTINGS, reporter=judge, pool=YoungestGoesFirst)
    for seed in range(6):
        if judge.refusal is None:
            with contextlib.suppress(Refused):
                play(at, seed=seed, count=300)
    assert judge.refusal is not None
    assert isinstance(judge.refusal.event, events.Expire)
    assert {d.field for d in judge.refusal.disagreements} == {"free"}


class Blind:
    "Hides the priorities."

    detail = Detail.STEPS

    def __init__(self, judge: Judge) -> None:
        self.judge = judge

    def report(self, event: Event, shown: Shown) -> None:
        self.judge.report(event, Hiding(shown))


class Hiding:
    def __init__(self, shown: Shown) -> None:
        self.shape, self.shown = shown.shape, shown

    def observe(self) -> events.Observation:
        return self.shown.observe()._replace(priority=None)


def test_hidden_priorities_leave_the_run_inconclusive() -> None:
    judge = Judge(DESIGN)
    at = Bench(SETTINGS, reporter=Blind(judge))
    at.manager.allocate(A)
    assert judge.verdict().outcome is Outcome.INCONCLUSIVE
    assert "priority" in judge.verdict().reason


def test_two_priorities_have_no_design() -> None:
    settings = PoolSettings(primary_count=1, slot_bytes=4, priority_count=2)
    with pytest.raises(UnjudgeableShape, match="2 priorities"):
        design_for(settings.shape)
