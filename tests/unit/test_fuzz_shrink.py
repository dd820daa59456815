"""Shrinking ends at the known smallest case of the same class, and says when its runs ran out."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from kvcheck.fuzz import draw
from kvcheck.fuzz.case import (
    Acquire,
    Allocate,
    AnyCall,
    BeginStep,
    Case,
    Commit,
    EndStep,
    Failure,
    Fill,
    Pin,
    Poll,
    Ran,
    ReadPinned,
    Release,
    Sizes,
)
from kvcheck.fuzz.orders import schedule_of
from kvcheck.fuzz.runner import run_case
from kvcheck.fuzz.shrink import End, ShrinkError, shrink, shrink_calls
from kvcheck.schedule import Recorder
from kvimpl.device.port.steps import Pending

SOUGHT = Failure("refused", "commit without poll", "words")
OTHER = Failure("refused", "commit after poll", "words")
LARGE = Sizes(primary_count=9, secondary_count=5, pins_max=2, slot_bytes=64, queues="stored")

Verdict = Callable[[Sequence[tuple[int, AnyCall]], Case], Failure | None]


class Toy:
    """A stand-in for the runner: each call is one step of its task, in the order of the case.

    `verdict` is told who called what, in the order in which it went. Every case is taken down.
    """

    def __init__(self, verdict: Verdict) -> None:
        self._verdict = verdict
        self.cases: list[Case] = []

    def __call__(self, case: Case) -> Ran:
        self.cases.append(case)
        recorder = Recorder(schedule_of(case.order))
        went: list[tuple[int, AnyCall]] = []
        left = [list(line) for line in case.tasks]
        while any(left):
            able = [n for n, line in enumerate(left) if line]
            chosen = able[recorder.pick([Pending(f"task{n}", "calls", (), n == 0) for n in able])]
            went.append((chosen, left[chosen].pop(0)))
        return Ran(self._verdict(went, case), recorder.text, len(went))


def commits_unpolled(went: Sequence[tuple[int, AnyCall]], case: Case) -> Failure | None:
    """A fill, then a commit of the same request, and at least three slots; a poll changes it."""
    filled: set[int] = set()
    for _, call in went:
        if isinstance(call, Fill):
            filled.add(call.request)
        if isinstance(call, Commit) and call.request in filled and case.sizes.primary_count >= 3:
            polled = any(isinstance(c, Poll) for _, c in went)
            return SOUGHT if polled else OTHER
    return None


def a_large_case(order: str = "host-first") -> Case:
    noise: tuple[AnyCall, ...] = (BeginStep(), Allocate(0), Acquire(1, 4), EndStep(), Release(1, 0))
    first = (*noise, Poll(), Fill(7, 0, 5), *noise, Commit(7, 0), *noise, Poll())
    return Case(LARGE, (first, (Acquire(3, 3), Poll())), order)


def test_the_smallest_case_of_a_class_is_reached() -> None:
    toy = Toy(commits_unpolled)
    found = shrink(a_large_case(), SOUGHT, toy)
    assert [len(line) for line in found.case.tasks] == [3]
    assert {type(call) for call in found.case.tasks[0]} == {Fill, Commit, Poll}
    assert {c.request for c in found.case.tasks[0] if isinstance(c, Fill | Commit)} == {0}
    assert found.case.sizes == Sizes(
        primary_count=3,
        secondary_count=0,
        references_max=1,
        pins_max=0,
        copies_max=1,
        slot_bytes=32,
    )
    assert found.end is End.SMALLEST
    assert found.runs == len(toy.cases)


def test_a_smaller_case_of_another_class_is_refused() -> None:
    """Without the poll there are two calls, and another fault: three calls is the answer."""
    found = shrink(a_large_case(), SOUGHT, Toy(commits_unpolled))
    assert found.ran.failure == SOUGHT
    assert any(isinstance(call, Poll) for call in found.case.tasks[0])


def test_a_case_that_was_not_run_is_never_the_answer() -> None:
    for runs_max in range(1, 40):
        toy = Toy(commits_unpolled)
        found = shrink(a_large_case(), SOUGHT, toy, runs_max=runs_max)
        assert found.case in toy.cases
        assert commits_of(found.case) == SOUGHT
        assert found.runs == len(toy.cases) <= runs_max


def commits_of(case: Case) -> Failure | None:
    return Toy(commits_unpolled)(case).failure


def test_a_budget_that_ends_the_search_is_told() -> None:
    found = shrink(a_large_case(), SOUGHT, Toy(commits_unpolled), runs_max=5)
    assert found.end is End.BUDGET


def test_no_case_is_run_twice_and_the_same_is_found_again() -> None:
    toy, again = Toy(commits_unpolled), Toy(commits_unpolled)
    first = shrink(a_large_case("random 3"), SOUGHT, toy)
    assert shrink(a_large_case("random 3"), SOUGHT, again) == first
    assert toy.cases == again.cases
    assert len(set(toy.cases)) == len(toy.cases)


def test_a_case_that_does_not_fail_as_said_is_an_error() -> None:
    with pytest.raises(ShrinkError, match="its run came to refused commit without poll"):
        shrink(a_large_case(), OTHER, Toy(commits_unpolled))
    with pytest.raises(ShrinkError, match="came to no failure"):
        shrink(Case(LARGE, ((),), "eager"), SOUGHT, Toy(commits_unpolled))


def test_where_the_device_has_its_own_order_only_the_calls_shrink() -> None:
    toy = Toy(commits_unpolled)
    found = shrink_calls(a_large_case("random 3"), SOUGHT, toy)
    assert found is not None
    assert [len(line) for line in found.case.tasks] == [3]
    assert {case.order for case in toy.cases} == {"random 3"}
    assert {case.order for case in shrunk_everywhere()} != {"random 3"}
    cut = shrink_calls(a_large_case(), SOUGHT, Toy(commits_unpolled), runs_max=5)
    assert cut is not None
    assert cut.end is End.BUDGET


def shrunk_everywhere() -> list[Case]:
    toy = Toy(commits_unpolled)
    shrink(a_large_case("random 3"), SOUGHT, toy)
    return toy.cases


def test_a_failure_that_does_not_come_again_is_not_shrunk() -> None:
    assert shrink_calls(a_large_case(), OTHER, Toy(commits_unpolled)) is None


def overtakes(went: Sequence[tuple[int, AnyCall]], case: Case) -> Failure | None:
    """The reader's acquire falls between the scheduler's first and last poll."""
    polls = [n for n, (task, call) in enumerate(went) if task == 0 and isinstance(call, Poll)]
    other = [n for n, (task, call) in enumerate(went) if task == 1 and isinstance(call, Acquire)]
    return SOUGHT if polls and any(polls[0] < n < polls[-1] for n in other) else None


def test_an_order_ends_with_the_fewest_switches_that_it_needs() -> None:
    body = (Poll(), EndStep()) * 6
    toy = Toy(overtakes)
    drawn = [Case(LARGE, (body, (Poll(), Acquire(0, 0), Poll())), f"random {n}") for n in range(9)]
    case = next(case for case in drawn if toy(case).failure == SOUGHT)
    found = shrink(case, SOUGHT, toy)
    assert found.case.tasks == ((Poll(), Poll()), (Acquire(0, 0),))
    assert found.ran.line == "task0 task1 task0"
    assert found.case.order.startswith("replay task0 task1")


def test_a_recorded_order_gives_way_to_a_plain_one() -> None:
    case = a_large_case("random 3")
    line = Toy(commits_unpolled)(case).line
    found = shrink(a_large_case(f"replay {line}"), SOUGHT, Toy(commits_unpolled))
    assert found.case.order == "host-first"
    assert sum(map(len, found.case.tasks)) == 3


def reads_a_pin(went: Sequence[tuple[int, AnyCall]], case: Case) -> Failure | None:
    """A read of a receipt that is there: the count of pins before it is more than its number."""
    pins = 0
    for _, call in went:
        pins += isinstance(call, Pin)
        if isinstance(call, ReadPinned) and call.receipt < pins:
            return SOUGHT
    return None


def test_an_entry_is_dropped_together_with_the_numbers_after_it() -> None:
    case = Case(LARGE, ((Pin(0, 0), Pin(0, 1), Pin(0, 2), ReadPinned(2)),), "eager")
    found = shrink(case, SOUGHT, Toy(reads_a_pin))
    assert [type(call) for call in found.case.tasks[0]] == [Pin, ReadPinned]


def first_failing(manager: str, seed: int) -> tuple[Case, Failure]:
    rng = random.Random(seed)
    for _ in range(200):
        case = draw.fresh(rng, sizes=draw.SIZES, manager=manager)
        failure = run_case(case).failure
        if failure is not None:
            return case, failure
    raise AssertionError(f"{manager} did not fail in 200 drawn cases")


@pytest.mark.parametrize(("manager", "calls_max"), [("canary", 2), ("s1-1", 8), ("s1-5", 7)])
def test_a_real_failure_shrinks_to_a_run_one_can_read(manager: str, calls_max: int) -> None:
    case, failure = first_failing(manager, seed=1)
    found = shrink(case, failure, run_case)
    assert sum(map(len, found.case.tasks)) <= calls_max < sum(map(len, case.tasks))
    again = run_case(found.case)
    assert again.failure is not None
    assert again.failure.key == failure.key
