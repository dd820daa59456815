"""The judge under every order of two host tasks: silent on the right manager, not on the bugs.

A reader pins and lets go of what one request cached while another request wants its slot. The
searches are exhaustive, so that a bug's silence would be a fact and the right manager's is one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import cache
from typing import get_args

import pytest
from block_bench import A, B, Hands, key

from kvcheck.lockstep import Design, Judge, OnRefusal, design_for
from kvcheck.schedule import (
    Budget,
    Explored,
    Pct,
    Random,
    Reach,
    Reduction,
    Replay,
    explore,
)
from kvimpl.blocks import BlockError, BlockManager, PoolSettings
from kvimpl.bugs import BUGS, Bug
from kvimpl.device.port import Device
from kvimpl.device.port.steps import Schedule
from kvimpl.device.sim import run
from kvspec.events import Detail, Event, Part, Refuse, Shown

PARTS = get_args(Part)
SILENT = "silent"
BOUND = Budget(runs=4000)
RUNS_MIN = 3
SETTINGS = PoolSettings(
    primary_count=1, secondary_count=0, slot_bytes=4, references_max=4, pins_max=2
)


@cache
def design(settings: PoolSettings) -> Design:
    return design_for(settings.shape, request_count=2)


class Pausing:
    "Hands what it is told to a judge, and lets any other task go first at every line of a step."

    detail = Detail.PARTS

    def __init__(self, device: Device, judge: Judge) -> None:
        self.device, self.judge = device, judge

    def report(self, event: Event, shown: Shown) -> None:
        self.device.pause(type(event).__name__)
        if self.judge.detail is Detail.PARTS or not isinstance(event, PARTS):
            self.judge.report(event, shown)


def outcome(judge: Judge) -> str:
    "What was refused, in one line, or that nothing was."
    refusal = judge.refusal
    if refusal is None:
        return SILENT
    why = " ".join(d.field for d in refusal.disagreements)
    if refusal.conjunct is not None:
        why = refusal.conjunct.label
    if isinstance(refusal.event, Refuse):
        why = refusal.event.guard
    return f"{type(refusal.event).__name__}: {refusal.reason.name}: {why}"


Tasks = tuple[Callable[[], None], Callable[[], None]]


def pin_and_allocate(manager: BlockManager) -> Tasks:
    "A reader wants the bytes of a cached block, a request its slot."
    block = manager.allocate(A)
    manager.commit(block, A, key("x"))
    manager.release(block, A)

    def reader() -> None:
        receipt = manager.pin_key(key("x"))
        if receipt is not None:
            manager.unpin(receipt)

    def scheduler() -> None:
        with contextlib.suppress(BlockError):
            manager.release(manager.allocate(B), B)

    return reader, scheduler


def release_twice(manager: BlockManager) -> Tasks:
    "Two tasks let go of one block for the same request."
    block = manager.allocate(A)

    def release() -> None:
        with contextlib.suppress(BlockError):
            manager.release(block, A)

    return release, release


PROGRAMS = {
    "kv-s05": pin_and_allocate,
    "kv-s07": pin_and_allocate,
    "kv-s08": pin_and_allocate,
    "kv-002": release_twice,
    "kv-104": pin_and_allocate,
}


def meet(
    bug: Bug | None,
    tasks: Callable[[BlockManager], Tasks],
    schedule: Schedule,
    *,
    detail: Detail = Detail.STEPS,
) -> str:
    "One run of two tasks on one manager, as one line."
    judges: list[Judge] = []

    def program(device: Device) -> None:
        judges.append(Judge(design(SETTINGS), detail=detail, on_refusal=OnRefusal.KEEP))
        compute, told = device.stream("compute"), Pausing(device, judges[-1])
        build = bug.build if bug else BlockManager
        manager = build(device, SETTINGS, compute=compute, clock=Hands(), reporter=told)
        manager.begin_step()
        first, second = tasks(manager)
        task = device.spawn("second", first)
        second()
        task.join()
        manager.poll()
        manager.end_step()

    ran = run(program, schedule)
    said = outcome(judges[-1])
    if said == SILENT and ran.error is not None:
        return f"{SILENT}, then {type(ran.error).__name__}"
    return said


def searched(name: str, *, right: bool = False, detail: Detail = Detail.STEPS) -> Explored[str]:
    "Every order of the bug's program, on the bug or on the right manager."
    bug = None if right else BUGS[name]
    return explore(lambda order: meet(bug, PROGRAMS[name], order, detail=detail), budget=BOUND)


FREE = "a primary block is free"
SEEN = {
    "kv-s05": f"Allocate: DISABLED: {FREE}",
    "kv-s07": f"Allocate: DISABLED: {FREE}",
    "kv-s08": f"Refuse: GUARD: {FREE}",
    "kv-002": "EndStep: SHOWN: free free_count",
    "kv-104": f"{SILENT}, then DeviceStuck",
}
IN_PARTS = {
    "kv-s05": "Claim: PART: the block is queued at the level that was told",
    "kv-s07": "Claim: PART: the block is queued at the level that was told",
    "kv-s08": f"Refuse: GUARD: {FREE}",
    "kv-002": "PutBack: PART: the block is in no queue",
    "kv-104": f"{SILENT}, then DeviceStuck",
}


@pytest.mark.parametrize("detail", Detail)
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_right_manager_is_silent_under_every_order(name: str, detail: Detail) -> None:
    explored = searched(name, right=True, detail=detail)
    assert explored.reach is Reach.EXHAUSTED, str(explored)
    assert explored.runs >= RUNS_MIN, "there is more than one order"
    assert set(explored.outcomes) == {SILENT}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_search_of_every_order_shows_the_bug_and_its_order_replays(name: str) -> None:
    for detail, seen in (Detail.STEPS, SEEN), (Detail.PARTS, IN_PARTS):
        explored = searched(name, detail=detail)
        assert explored.reach is Reach.EXHAUSTED, str(explored)
        assert seen[name] in explored.outcomes, explored.outcomes
        again = Replay(explored.outcomes[seen[name]])
        assert meet(BUGS[name], PROGRAMS[name], again, detail=detail) == seen[name]


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("drawn", [Random, Pct])
def test_random_orders_find_the_bug_too(name: str, drawn: Callable[[int], Schedule]) -> None:
    orders = [drawn(seed) for seed in range(60)]
    said = [meet(BUGS[name], PROGRAMS[name], order, detail=Detail.PARTS) for order in orders]
    assert any(one != SILENT for one in said)
    right = [meet(None, PROGRAMS[name], drawn(seed)) for seed in range(60)]
    assert set(right) == {SILENT}


def test_what_is_done_under_a_lock_hides_no_order_of_taking_it() -> None:
    def program(schedule: Schedule) -> str:
        order: list[str] = []

        def body(device: Device) -> None:
            lock = device.lock("l")

            def take(name: str) -> None:
                with lock:
                    device.pause(name)
                    order.append(name)

            task = device.spawn("second", lambda: take("second"))
            take("first")
            take("first")
            task.join()

        assert run(body, schedule).error is None
        return " ".join(order)

    every = explore(program, budget=BOUND, reduction=Reduction.NONE)
    reduced = explore(program, budget=BOUND)
    assert every.reach is reduced.reach is Reach.EXHAUSTED
    assert set(reduced.outcomes) == set(every.outcomes)
    assert len(every.outcomes) == 3
    assert reduced.runs < every.runs
