"""Histories of the manager: the right one explains itself, each wrong one ends in its own words."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from kvcheck.linear.block import BlockContract
from kvcheck.linear.campaign import Plan, Where, examine, history_of
from kvcheck.linear.drive import ROOM, Program
from kvcheck.linear.history import Call, History, Operation, Said
from kvcheck.linear.judge import judge
from kvcheck.linear.managers import build_of
from kvcheck.verdict import Evidence, Outcome

CONTRACT = BlockContract(pins_max=ROOM)


@pytest.mark.parametrize("name", ["blocks", "shared"])
@pytest.mark.parametrize("where", Where)
def test_the_right_managers_explain_themselves(where: Where, name: str) -> None:
    plan = Plan(program=Program(seed=1), runs_max=15, where=where)
    done = examine(plan, build=build_of(name))
    verdict = done.verdict()
    assert (verdict.outcome, verdict.evidence) == (Outcome.HOLDS, Evidence.OBSERVED)
    assert "15 histories of 200 calls by 3 threads" in verdict.bound
    assert done.operation_count >= 15 * 150
    assert done.unjudged_count < done.operation_count / 4


def test_the_threads_do_meet_and_every_answer_is_drawn() -> None:
    histories = [history_of(Program(seed=n), Where.SIM) for n in range(6)]
    operations = [o for history in histories for o in history.operations]
    met = sum(b.called < a.returned for a, b in pairwise(operations))
    assert met > len(operations) / 20
    said = Counter(o.said for o in operations)
    assert set(said) == set(Said) - {Said.CRASHED, Said.NOT_PINNED, Said.NOT_CACHED}
    assert {o.call for o in operations if o.said is Said.DONE} == set(Call)


def test_a_history_on_the_simulated_device_is_a_function_of_its_seed() -> None:
    program = Program(seed=5, operation_count=60)
    assert history_of(program, Where.SIM) == history_of(program, Where.SIM)
    assert history_of(program, Where.SIM) != history_of(replace(program, seed=6), Where.SIM)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("kv-s05", "no caller may see this"),  # no lock at all
        ("kv-s07", "no order explains the answers"),  # the choice and the claim are two steps
        ("s1-5-moved", "no order explains the answers"),  # a pinned block moves
        ("inv-11-forgotten", "the free queues lacked"),
        ("s1-5", "blocks too many"),  # queued twice
    ],
)
def test_a_wrong_manager_is_found_and_its_history_made_small(name: str, said: str) -> None:
    plan = Plan(program=Program(seed=0), runs_max=60, where=Where.SIM)
    done = examine(plan, build=build_of(name))
    assert done.verdict().outcome is Outcome.VIOLATED
    assert said in done.verdict().reason
    assert done.failed_program is not None
    assert done.failed_program.operation_count < 200
    again = judge(history_of(done.failed_program, Where.SIM, build_of(name)), CONTRACT)
    assert again == done.failed, "the smaller program fails in the same way again"


@pytest.mark.parametrize("name", ["kv-s05", "kv-s07", "kv-s08"])
@pytest.mark.parametrize("seed", [0, 1000, 2000])
def test_a_bug_between_two_threads_is_found_within_a_few_dozen_histories(
    name: str, seed: int
) -> None:
    plan = Plan(program=Program(seed=seed), runs_max=40, where=Where.SIM)
    done = examine(plan, build=build_of(name))
    assert done.verdict().outcome is Outcome.VIOLATED


def test_a_block_may_be_pinned_as_often_as_the_manager_allows() -> None:
    ready = (
        operation(0, call=Call.ALLOCATE, request=0, block=0, generation=1),
        operation(2, call=Call.COMMIT, request=0, block=0, generation=1, key=b"k"),
    )
    about = {"call": Call.PIN, "block": 0, "generation": 1, "slot": 0}
    pins = tuple(operation(4 + 2 * n, **about, pin=n) for n in range(ROOM))
    assert judge(History((*ready, *pins)), CONTRACT).verdict.outcome is Outcome.HOLDS
    one_more = operation(4 + 2 * ROOM, **about, pin=ROOM)
    judged = judge(History((*ready, *pins, one_more)), CONTRACT)
    assert judged.verdict.outcome is Outcome.VIOLATED


def test_half_of_the_programs_are_crowds_and_a_seed_draws_its_own() -> None:
    programs = [Program(seed=0).numbered(n) for n in range(40)]
    assert sum(p.primary_count < 3 for p in programs) == 20
    assert {p.secondary_count for p in programs} == {0, 1, 2}
    assert [Program(seed=n).numbered(0) for n in range(40)] == programs


def test_a_failure_shows_the_longest_order_and_what_cannot_follow() -> None:
    plan = Plan(program=Program(seed=0), runs_max=5, where=Where.SIM)
    done = examine(plan, build=build_of("kv-s07"))
    assert done.failed is not None
    lines = done.failed.lines()
    assert lines[0].startswith("No order of the calls explains the answers about block")
    assert "After it none of these can come next:" in lines
    assert "      but take: nobody uses it is false" in lines


def operation(called: int, **known: object) -> Operation:
    given = {"thread": "t", "returned": called + 1, "said": Said.DONE, **known}
    return Operation(called=called, **given)  # type: ignore[arg-type]


def test_no_operation_and_no_history_are_not_run() -> None:
    assert judge(History(()), CONTRACT).verdict.outcome is Outcome.NOT_RUN
    none = Plan(program=Program(seed=0), runs_max=0)
    assert examine(none).verdict().outcome is Outcome.NOT_RUN
    refused = operation(0, call=Call.ALLOCATE, said=Said.REFUSED, request=0)
    assert judge(History((refused,)), CONTRACT).verdict.outcome is Outcome.NOT_RUN


def test_time_that_is_up_and_a_search_that_is_cut_are_inconclusive() -> None:
    plan = Plan(program=Program(seed=0, operation_count=30), runs_max=9)
    ticks = iter([False, False, True])
    done = examine(plan, is_time_up=lambda: next(ticks))
    assert done.run_count == 2
    assert done.verdict().outcome is Outcome.INCONCLUSIVE
    assert "9 histories were asked for" in done.verdict().reason
    cut = judge(history_of(plan.program, Where.SIM), CONTRACT, pairs_max=1)
    assert cut.verdict.outcome is Outcome.INCONCLUSIVE
    assert "not searched out" in cut.verdict.reason


def test_that_no_block_has_a_key_is_asked_of_every_block_that_ever_had_it() -> None:
    held = (
        operation(0, call=Call.ALLOCATE, request=0, block=4, generation=1),
        operation(2, call=Call.COMMIT, request=0, block=4, generation=1, key=b"k"),
        operation(4, call=Call.ACQUIRE, request=1, key=b"k", said=Said.ABSENT),
    )
    judged = judge(History(held), CONTRACT)
    assert judged.verdict.outcome is Outcome.VIOLATED
    assert judged.block == 4
    other = replace(held[2], key=b"l")
    assert judge(History((*held[:2], other)), CONTRACT).verdict.outcome is Outcome.HOLDS


def test_a_crash_is_told_with_its_error() -> None:
    crash = operation(0, call=Call.ALLOCATE, said=Said.CRASHED, request=0, error="KeyError: 3")
    verdict = judge(History((crash,)), CONTRACT).verdict
    assert verdict.outcome is Outcome.VIOLATED
    assert "KeyError: 3" in verdict.reason


@pytest.mark.parametrize("name", ["operation_count", "thread_count", "primary_count", "key_count"])
def test_an_empty_program_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Program(**{"seed": 0, name: 0})
