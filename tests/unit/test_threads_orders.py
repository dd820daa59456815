"""The right shared manager under every order of small programs, and under chance beyond them."""

from __future__ import annotations

from itertools import islice

import pytest

from kvcheck.schedule import Budget, HostFirst, Reach, Recorder, Reduction, Replay, explore
from kvcheck.threads.columns import EVERY_ORDER, chances, every_order, random_orders
from kvcheck.threads.program import (
    FIRST,
    SMALL,
    TWO_BLOCKS,
    TWO_READERS,
    Drop,
    Program,
    Put,
    X,
    drawn,
)
from kvcheck.threads.run import JudgeGaveUp, judged, right
from kvimpl.blocks.handles import PinReceipt
from kvimpl.bugs.shared import SHARED_BUGS, Shows
from kvimpl.device.port import Device, Stream
from kvimpl.device.port.steps import Schedule
from kvimpl.shared import SharedManager, SharedReporter, steps
from kvspec.events import Key

CLEAN: frozenset[Shows] = frozenset()


@pytest.mark.parametrize(
    ("program", "runs"),
    [*zip(SMALL, (41, 34, 44), strict=True), (TWO_READERS, 162), (TWO_BLOCKS, 69)],
    ids=["down and up", "down twice", "up then down", "two readers", "two blocks"],
)
def test_no_order_of_a_small_program_shows_anything(program: Program, runs: int) -> None:
    explored = explore(lambda s: judged(right, program, s).signs, budget=Budget(runs=1_000))

    assert explored.reach is Reach.EXHAUSTED
    assert set(explored.outcomes) == {CLEAN}
    assert explored.runs == runs


def test_no_order_by_chance_shows_anything() -> None:
    cell = random_orders(right, seed=1, runs_max=150)

    assert (cell.runs, cell.by) == (150, "")


def told(program: Program, schedule: Schedule) -> tuple[str, ...]:
    "What happened under the lock, in its order."
    names: list[str] = []

    class Told:
        def __init__(self, judge: SharedReporter) -> None:
            self.judge = judge

        def report(self, step: steps.SharedStep, shown: steps.SharedShown) -> None:
            if not isinstance(step, steps.Sent | steps.Reads):
                names.append(str(step))
            self.judge.report(step, shown)

    def build(
        device: Device, settings: object, *, compute: Stream, reporter: SharedReporter | None
    ) -> SharedManager:
        assert reporter is not None
        return right(device, settings, compute=compute, reporter=Told(reporter))  # type: ignore[arg-type]

    assert not judged(build, program, schedule).says
    return tuple(names)


def test_the_orders_that_are_left_out_make_no_difference() -> None:
    program = Program(jobs=(Drop(FIRST),))

    few, all_of_them = (
        explore(lambda s: told(program, s), budget=Budget(runs=5_000), reduction=reduction)
        for reduction in (Reduction.DPOR, Reduction.SLEEP)
    )

    assert (few.reach, all_of_them.reach) == (Reach.EXHAUSTED, Reach.EXHAUSTED)
    assert set(few.outcomes) == set(all_of_them.outcomes)
    assert len(few.outcomes) == 3


def test_a_schedule_that_shows_a_bug_shows_it_again() -> None:
    build = SHARED_BUGS["s3-5"].build
    explored = explore(
        lambda s: judged(build, SMALL[0], s).signs, budget=Budget(runs=100), stop=bool
    )
    ((signs, line),) = [(signs, line) for signs, line in explored.outcomes.items() if signs]

    assert judged(build, SMALL[0], Replay(line)).signs == signs


def test_a_run_is_a_function_of_its_program_and_schedule() -> None:
    for program, schedule in islice(chances(3), 5):
        record = Recorder(schedule)
        first = judged(SHARED_BUGS["s3-1"].build, program, record)

        assert judged(SHARED_BUGS["s3-1"].build, program, Replay(record.text)) == first


def test_drawn_programs_reach_every_step_of_the_manager() -> None:
    seen = {
        line.split("(")[0]
        for program, schedule in islice(chances(), 120)
        for line in told(program, schedule)
    }

    every = {kind.__name__ for kind in steps.SharedStep.__args__}
    assert seen == every - {"Sent", "Reads", "GaveUp"}


class Jobless(SharedManager):
    "Takes the scheduler's lock inside the pool's when it pins."

    def pin_key(self, key: Key) -> PinReceipt | None:
        with self._pool, self._jobs:
            block = self._books.find(key)
            return None if block is None else self._pin(block)


def test_locks_in_another_order_are_told_by_a_run_that_does_not_get_stuck() -> None:
    seen = judged(Jobless, Program(), HostFirst())

    (says,) = [words for sign, words in seen.says if sign is Shows.RACES]
    assert says.startswith("lock order: acquire kv.jobs")
    assert "shared/manager.py" in says


class Peeking(SharedManager):
    "Asks the index before it has the lock."

    def pin_key(self, key: Key) -> PinReceipt | None:
        return None if self._books.find(key) is None else super().pin_key(key)


def test_a_look_without_the_lock_is_a_race_though_nothing_else_is_wrong() -> None:
    cells = every_order(Peeking, frozenset({Shows.RACES}))

    assert cells[EVERY_ORDER[1]].by.startswith("race: ")
    assert not any(cell.by for column, cell in cells.items() if column is not EVERY_ORDER[1])


def test_a_program_that_the_design_has_no_word_for_is_not_passed() -> None:
    program = Program(
        primary_count=2, before=(Put(FIRST, X),), jobs=(), readers=((X,),), references_max=3
    )

    class Shares(SharedManager):
        def reads(self, receipt: PinReceipt) -> None:
            self._tell(steps.GaveUp(receipt.handle.block, receipt.handle.block))

    with pytest.raises(JudgeGaveUp, match="the design has no GaveUp"):
        judged(Shares, program, HostFirst())


def test_a_drawn_program_is_a_function_of_its_seed() -> None:
    assert [drawn(seed) for seed in range(20)] == [drawn(seed) for seed in range(20)]
