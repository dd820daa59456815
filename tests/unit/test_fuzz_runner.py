"""A case runs the same each time, and each way in which a run can go wrong has its class."""

from __future__ import annotations

import dataclasses
import random

import pytest
from msgspec.structs import replace

from kvcheck.fuzz.case import (
    Acquire,
    Again,
    Allocate,
    AnyCall,
    BeginStep,
    Case,
    Commit,
    EndStep,
    Fill,
    PinKey,
    Poll,
    Read,
    ReadPinned,
    Release,
    Sizes,
    Unpin,
)
from kvcheck.fuzz.draw import fresh
from kvcheck.fuzz.failures import of_leak
from kvcheck.fuzz.looks import EVERYTHING, Contents, Look
from kvcheck.fuzz.runner import run_case
from kvcheck.fuzz.site import SimSite
from kvcheck.lockstep import Tag
from kvcheck.lockstep.order import BEGINS, ENDS
from kvcheck.lockstep.payload import HOLDS
from kvcheck.schedule import ReplayDiverged
from kvimpl.bugs import BUGS
from kvimpl.device.port import Op, Stream, View
from kvspec.events import BlockId, Generation, Observation, Shape

STORED: tuple[AnyCall, ...] = (BeginStep(), Allocate(0), EndStep(), Fill(0, 0, 1), Commit(0, 0))
EVICTED: tuple[AnyCall, ...] = (Release(0, 0), BeginStep(), Allocate(1), EndStep(), Fill(1, 0, 2))
HIT: tuple[AnyCall, ...] = (Poll(), Release(1, 0), BeginStep(), Acquire(0, 1), EndStep())
READER: tuple[AnyCall, ...] = (PinKey(1), ReadPinned(0), Unpin(0))
SMALL = Sizes(1, 1)
THERE_AND_BACK = Case(SMALL, ((*STORED, *EVICTED, *HIT, Read(0, 0)), READER), "random 1")
ORDERS = ("eager", "host-first", "random 3", "pct 5 3 60")


def case(*calls: AnyCall, manager: str = "blocks", order: str = "eager") -> Case:
    return Case(SMALL, (calls,), order, manager)


@pytest.mark.parametrize("order", ORDERS)
def test_a_case_is_the_same_run_each_time_and_its_line_replays(order: str) -> None:
    first = run_case(replace(THERE_AND_BACK, order=order))

    assert first.failure is None
    assert first.steps > 5
    assert run_case(replace(THERE_AND_BACK, order=order)) == first
    assert run_case(replace(THERE_AND_BACK, order=f"replay {first.line}")) == first


def test_other_orders_are_other_runs() -> None:
    lines = {run_case(replace(THERE_AND_BACK, order=order)).line for order in ORDERS}
    assert len(lines) == len(ORDERS)


def test_what_a_run_covers_is_named() -> None:
    covered = run_case(case(*STORED, *EVICTED, *HIT, Again("release"))).covered

    assert {"action offload_allocate", "action onboard", "goal a_block_moves_down"} <= covered
    assert "false release: the request holds it" in covered
    assert "true onboard: it is free in secondary" in covered
    assert "false onboard: it is free in secondary" not in covered
    assert sum(name.startswith("state ") for name in covered) > 5


def test_calls_at_empty_places_do_nothing() -> None:
    ran = run_case(case(Fill(0, 0, 1), Read(0, 3), Commit(2, 0), Release(0, 0), Unpin(4)))
    assert (ran.failure, ran.steps) == (None, 0)


def test_kernels_inside_an_open_step_are_left_out() -> None:
    ran = run_case(case(BeginStep(), Allocate(0), Fill(0, 0, 1), Commit(0, 0), EndStep()))
    assert "action commit" not in ran.covered


@pytest.mark.parametrize(
    ("manager", "calls", "key"),
    [
        ("canary", STORED, ("refused", "shown allocate: free_count")),
        (
            "s1-1",
            (*STORED, *EVICTED),
            ("refused", "part Claim: the block is queued at the level that was told"),
        ),
        (
            "inv-28-copies-too-early",
            (*STORED, *EVICTED),
            ("refused", f"device begin_step: {BEGINS}"),
        ),
        (
            "inv-28-compute-too-early",
            (*STORED, *EVICTED, *HIT, Read(0, 0)),
            ("refused", f"device end_step: {ENDS}"),
        ),
    ],
)
def test_a_bug_fails_in_its_class_and_the_right_manager_passes(
    manager: str, calls: tuple[AnyCall, ...], key: tuple[str, str]
) -> None:
    ran = run_case(case(*calls, manager=manager))

    assert ran.failure is not None
    assert ran.failure.key == key
    assert run_case(case(*calls)).failure is None


def test_a_second_release_that_is_accepted_is_a_failure() -> None:
    ran = run_case(case(*STORED, Release(0, 0), Again("release"), manager="kv-002"))
    assert ran.failure is not None
    assert run_case(case(*STORED, Release(0, 0), Again("release"))).failure is None


def test_a_spent_receipt_of_a_block_that_another_reader_pins_is_no_false_guard() -> None:
    """Found by the fuzzer: the manager reported the guard 'it is pinned' as false, and it held."""
    calls = (*STORED, PinKey(1), PinKey(1), Unpin(0), Again("unpin"))
    assert run_case(case(*calls)).failure is None


def seen(one: Case) -> dict[frozenset[Look], tuple[str, str] | None]:
    """The case's failure by what its judge looks at of the device."""
    every = (frozenset(), frozenset({Look.ORDER}), frozenset({Look.PAYLOAD}), EVERYTHING)
    ran = {looks: run_case(one, looks=looks).failure for looks in every}
    return {looks: None if failure is None else failure.key for looks, failure in ran.items()}


def test_a_wait_that_is_left_out_is_refused_though_this_run_has_no_race() -> None:
    calls = (*STORED, Release(0, 0), BeginStep(), Allocate(1), EndStep(), Poll())
    refused = ("refused", f"device end_step: {ENDS}")

    found = seen(case(*calls, manager="inv-28-compute-too-early"))

    assert found == {looks: refused if Look.ORDER in looks else None for looks in found}
    assert set(seen(case(*calls)).values()) == {None}


def test_a_copy_of_other_bytes_is_refused_though_nobody_reads_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from kvimpl.device.sim import SimDevice

    def spoiled(self: SimDevice, target: View, source: View, stream: Stream, *, label: str) -> Op:
        return self.fill(target, 0, stream, label=label)

    monkeypatch.setattr(SimDevice, "copy", spoiled)
    found = seen(case(*STORED, *EVICTED, Poll(), Poll()))

    refused = ("refused", f"device complete: {HOLDS}")
    assert found == {looks: refused if Look.PAYLOAD in looks else None for looks in found}
    told = run_case(case(*STORED, *EVICTED, Poll(), Poll())).failure
    assert told is not None
    assert "    allows complete(stream1), 0 cells from what is shown" in told.words, "the frontier"
    assert told.witness.startswith("slot 1 held bytes without a tag, expected request 0's block 0")


def test_bytes_of_the_right_key_and_the_wrong_writer_are_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    of = Contents.of

    def older(self: Contents, key: int, tag: Tag) -> bytes:
        return of(self, key, dataclasses.replace(tag, generation=Generation(tag.generation - 1)))

    monkeypatch.setattr(Contents, "of", older)
    found = seen(case(*STORED, Read(0, 0)))

    wrong = ("bytes", "A kernel for request #")
    assert found == {looks: wrong if Look.PAYLOAD in looks else None for looks in found}


@pytest.mark.parametrize("slot_bytes", [8, 64])
def test_wrong_bytes_are_a_failure_of_their_own(
    monkeypatch: pytest.MonkeyPatch, slot_bytes: int
) -> None:
    of = Contents.of

    def spoiled(self: Contents, key: int, tag: Tag) -> bytes:
        return of(self, key + 1, tag)

    monkeypatch.setattr(Contents, "of", spoiled)
    one = Case(replace(SMALL, slot_bytes=slot_bytes), ((*STORED, Read(0, 0)),), "eager")

    assert set(seen(one).values()) == {("bytes", "A kernel for request #")}


def test_a_run_says_what_its_judge_did_not_see_of_the_device() -> None:
    calls = (*STORED, Read(0, 0))
    tiny = Case(Sizes(1, 1, slot_bytes=8), (calls,), "eager")

    assert run_case(case(*calls)).unwitnessed == frozenset()
    assert run_case(case(*calls), looks=frozenset()).unwitnessed == {"order", "payload"}
    assert run_case(case(Poll())).unwitnessed == {"order: compute", "payload: reads"}
    assert run_case(tiny).unwitnessed == {"payload"}, "no room for a tag"


def test_a_block_that_is_in_no_queue_at_the_end_is_lost() -> None:
    shape = Shape(
        primary_count=1,
        secondary_count=1,
        priority_count=1,
        references_max=1,
        pins_max=1,
        copies_max=1,
    )
    whole = Observation(free=(((BlockId(0),),), ((BlockId(1),),)), free_count=(1, 1))

    lost = of_leak(whole._replace(free=(((BlockId(0),),), ((),))), shape)
    miscounted = of_leak(whole._replace(free_count=(2, 1)), shape)

    assert of_leak(whole, shape) is None
    assert lost is not None
    assert lost.key == ("leak", "lost")
    assert miscounted is not None
    assert miscounted.key == ("leak", "miscounted")


def test_a_run_that_never_ends_is_stuck() -> None:
    ran = run_case(THERE_AND_BACK, site=SimSite(steps_max=20))
    assert ran.failure is not None
    assert ran.failure.kind == "stuck"
    assert ran.failure.detail.startswith("StepsExhausted")


def test_a_record_of_another_case_diverges() -> None:
    with pytest.raises(ReplayDiverged):
        run_case(case(*STORED, order="replay compute*9"))


@pytest.mark.parametrize(
    "wrong",
    [
        case(order="sideways"),
        case(order="random"),
        case(order="pct 1 9 3"),
        case(manager="no-such-bug"),
        Case(Sizes(0), ((),), "eager"),
        Case(Sizes(1, queues="piled"), ((),), "eager"),
    ],
)
def test_a_case_that_says_nothing_is_refused(wrong: Case) -> None:
    with pytest.raises(ValueError, match=r"."):
        run_case(wrong)


PRIORITIES = [
    (count, own, least) for count in (1, 2, 3, 4) for own in range(count) for least in range(count)
]
TENSORRT_LLM = (101, 35, 30)


@pytest.mark.parametrize("priorities", [*PRIORITIES, TENSORRT_LLM])
def test_the_right_manager_is_not_refused_for_its_priorities(
    priorities: tuple[int, int, int],
) -> None:
    count, own, least = priorities
    sizes = Sizes(2, 2, priority_count=count, default_priority=own, offload_priority_min=least)
    rng, covered = random.Random(1), set[str]()
    for _ in range(25):
        ran = run_case(fresh(rng, sizes=(sizes,), manager="blocks"))
        assert ran.failure is None
        covered |= ran.covered
    assert {"action allocate", "action complete"} <= covered
    assert "action expire" not in covered or count > 1


@pytest.mark.parametrize("own", [0, 1])
def test_a_time_that_is_erased_is_refused_among_two_priorities(own: int) -> None:
    sizes = Sizes(1, 1, priority_count=2, default_priority=own, offload_priority_min=own)
    calls = (BeginStep(), Allocate(0, 1, 5), EndStep(), Fill(0, 0, 1), Commit(0, 0), *EVICTED)
    ran = run_case(Case(sizes, (calls,), "eager", "s1-6"))

    assert ran.failure is not None
    assert ran.failure.key == ("refused", "shown offload_allocate: timed")
    assert run_case(Case(sizes, (calls,), "eager")).failure is None


def test_every_known_bug_can_be_run() -> None:
    for manager in BUGS:
        sizes = Sizes(**{"secondary_count": 1, **BUGS[manager].settings})
        assert run_case(Case(sizes, (STORED,), "eager", manager)).steps >= 0
