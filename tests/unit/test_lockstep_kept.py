"""A manager with priorities is judged by both designs; case S1.6 is refused where it happens."""

from __future__ import annotations

import contextlib
import random
from dataclasses import replace

import pytest
from block_bench import A, B, Bench, key

import kvspec.events as events
from kvcheck.explore import Options, explore
from kvcheck.lockstep import Judge, OnRefusal, Reason, Refused, UnjudgeableShape, design_for
from kvcheck.lockstep.priorities import OWN, NotWorded, _Worded, at_priorities
from kvcheck.verdict import Outcome
from kvimpl.blocks import BlockError, BlockHandle, BlockPool, Keep, PoolSettings
from kvimpl.blocks.errors import QueueFault
from kvimpl.bugs import BUGS
from kvspec.events import Detail, Event, Priority, RequestId, Shown
from kvspec.lang.ir import Literal
from kvspec.models import retention
from kvspec.models.retention import RetentionPool

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
                        priority=Priority(rng.randrange(at.manager.shape.priority_count)),
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


GRID = [(count, own, least) for count in (2, 3) for own in range(count) for least in range(count)]
MORE = [(4, 0, 3), (4, 3, 1), (7, 2, 5), (101, 35, 30)]


FAVOUR = Keep(priority=Priority(1), seconds=2.0)


def with_priorities(count: int, own: int, least: int) -> PoolSettings:
    "The settings above, with other priorities."
    return replace(
        SETTINGS,
        priority_count=count,
        default_priority=Priority(own),
        offload_priority_min=Priority(least),
    )


@pytest.mark.parametrize("grid", [*GRID, *MORE])
def test_priorities_are_judged_as_they_are(grid: tuple[int, int, int]) -> None:
    settings = with_priorities(*grid)
    design = design_for(settings.shape, request_count=4)
    seen: set[str] = set()
    for seed in range(4):
        judge = Judge(design)
        play(Bench(settings, reporter=judge), seed=seed, count=500)
        assert judge.verdict().outcome is Outcome.HOLDS
        seen |= {*judge.taken, *judge.refused}
    assert seen >= set(design.actions)
    assert ("offload_allocate: it is worth a copy" in seen) is bool(grid[2])


def test_the_design_with_its_own_priorities_is_the_design() -> None:
    design = RetentionPool.instance(P=1, S=1)
    (shape,) = {with_priorities(3, 1, 1).shape}
    one, other = (explore(m, Options()) for m in (design, at_priorities(design, shape)))
    assert (one.states, one.transitions) == (other.states, other.transitions)
    assert [p.name for p in design.properties] == [
        p.name for p in at_priorities(design, shape).properties
    ]


@pytest.mark.parametrize("grid", [(2, 0, 0), (2, 1, 0), (2, 0, 1), (4, 2, 1), (4, 1, 3)])
def test_what_the_design_owes_holds_at_other_priorities_too(grid: tuple[int, int, int]) -> None:
    """Where a block that nobody asked for is not worth a copy, host memory starts with such."""
    model = at_priorities(RetentionPool.instance(P=1, S=1), with_priorities(*grid).shape)
    broken = {found.finding.name for found in explore(model, Options()).findings}
    assert broken == ({"host_memory_is_for_the_worthy"} if grid[1] < grid[2] else set())


@pytest.mark.parametrize(("least", "asked"), [(1, 0), (3, 2), (5, 4)])
def test_a_copy_below_the_limit_is_refused_wherever_the_limit_is(least: int, asked: int) -> None:
    bug = BUGS["s1-6-unworthy"]
    settings = replace(with_priorities(6, 1, least), primary_count=1)
    for pool, is_wrong in ((bug.pool, True), (BlockPool, False)):
        judge = Judge(design_for(settings.shape), on_refusal=OnRefusal.KEEP)
        at = Bench(settings, reporter=judge, pool=pool)
        low = at.manager.allocate(A, keep=Keep(priority=Priority(asked)))
        at.write(low, "x")
        at.manager.commit(low, A, key("x"))
        at.manager.release(low, A)
        at.manager.allocate(B)
        assert (judge.refusal is not None) is is_wrong


@pytest.mark.parametrize("own", [0, 1])
def test_a_copy_is_worth_it_from_the_default_of_two_priorities_upwards(own: int) -> None:
    """The manager that copies what is not worth it is right where the lowest is the default."""
    bug = BUGS["s1-6-unworthy"]
    settings = replace(with_priorities(2, own, own), primary_count=1)
    judge = Judge(design_for(settings.shape), on_refusal=OnRefusal.KEEP)
    at = Bench(settings, reporter=judge, pool=bug.pool, manager_class=bug.manager)
    low = at.manager.allocate(A, keep=Keep(priority=Priority(0)))
    at.write(low, "x")
    at.manager.commit(low, A, key("x"))
    at.manager.release(low, A)
    at.manager.allocate(B)
    if own == 0:
        assert judge.refusal is None
        assert judge.taken["offload_allocate"] == 1
    else:
        assert judge.refusal is not None
        assert judge.refusal.conjunct is not None
        assert judge.refusal.conjunct.label == "it is worth a copy"


class NextPriority(BlockPool):
    "Keeps each block at a priority that was not asked for, and that there is none of."

    def ask(self, b: events.BlockId, keep: Keep) -> None:
        super().ask(b, Keep(priority=Priority(keep.priority + self.beside), seconds=keep.seconds))

    beside = 2


class PriorityBefore(NextPriority):
    beside = -1


@pytest.mark.parametrize("own", [0, 1])
@pytest.mark.parametrize("pool", [NextPriority, PriorityBefore])
def test_a_priority_that_the_manager_has_not_is_refused(own: int, pool: type[BlockPool]) -> None:
    settings = with_priorities(2, own, own)
    judge = Judge(design_for(settings.shape), detail=Detail.STEPS)
    at = Bench(settings, reporter=judge, pool=pool)
    with pytest.raises(Refused):
        at.manager.allocate(A, keep=Keep(priority=Priority(0)))
    assert judge.refusal is not None
    assert judge.refusal.reason is Reason.OUTSIDE


def test_what_two_priorities_allow_is_told_in_their_words() -> None:
    settings = with_priorities(2, 0, 0)
    judge = Judge(design_for(settings.shape))
    at = Bench(settings, reporter=judge, pool=YoungestGoesFirst)
    first, second = at.manager.allocate(A), at.manager.allocate(B, keep=FAVOUR)
    at.manager.release(second, B)
    at.manager.release(first, A)
    at.clock.now += 3
    with pytest.raises(Refused):
        at.manager.refresh()
    assert judge.refusal is not None
    told = {value for near in judge.refusal.frontier for _, value in near.arguments}
    assert "P0" in told
    assert not told & {"P2", "LOW", "DEFAULT", "HIGH"}, "the design's own names would mislead"


def test_a_default_that_is_no_priority_and_a_priority_without_meaning_are_declined() -> None:
    shape = replace(with_priorities(2, 1, 1).shape, default_priority=Priority(2))
    with pytest.raises(UnjudgeableShape, match="The default priority is 2, and there are 2"):
        design_for(shape)
    given = Literal(retention.Priority.HIGH.value, OWN)
    with pytest.raises(NotWorded, match="gives a block the priority HIGH"):
        _Worded(OWN, with_priorities(3, 1, 1).shape).worded(given)
