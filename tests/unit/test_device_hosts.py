"""Host tasks, locks and shared values run one at a time, and every order of them can be chosen."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from kvcheck.schedule import Budget, Eager, HostFirst, Random, Reach, Replay, explore
from kvimpl.device.port import FindingKind, Mode, Refused, Space
from kvimpl.device.port.errors import DeviceStuck, StepsExhausted
from kvimpl.device.port.steps import Abandoned, Schedule
from kvimpl.device.sim import SimDevice, SimOptions, run

Program = Callable[[SimDevice], object]


def outcomes(program: Program) -> tuple[set[object], set[str]]:
    """All outcomes, by exploring every order, and the kinds of findings over all runs."""
    kinds: set[str] = set()

    def once(schedule: Schedule) -> object:
        ran = run(program, schedule)
        kinds.update(finding.kind.value for finding in ran.findings)
        return ran.outcome if ran.error is None else type(ran.error).__name__

    result = explore(once, budget=Budget(runs=5_000))
    assert result.reach is Reach.EXHAUSTED
    return set(result.outcomes), kinds


def counting(dev: SimDevice, *, locked: bool) -> int:
    count, lock = dev.shared("count", 0), dev.lock("mutex")

    def add() -> None:
        if locked:
            with lock:
                count.set(count.get() + 1)
        else:
            count.set(count.get() + 1)

    other = dev.spawn("other", add)
    add()
    other.join()
    return count.get()


def test_an_unlocked_count_loses_an_update_and_is_a_race() -> None:
    assert outcomes(lambda dev: counting(dev, locked=False)) == (
        {1, 2},
        {"race", "lost update"},
    )


def plain_count(dev: SimDevice, *, pauses: bool) -> int:
    """The same on a variable of Python's own, which nothing watches."""
    count = [0]

    def add() -> None:
        if pauses:
            dev.pause("read the count")
        before = count[0]
        if pauses:
            dev.pause("write the count")
        count[0] = before + 1

    other = dev.spawn("other", add)
    add()
    other.join()
    return count[0]


def test_undeclared_state_is_explored_where_a_pause_says_so() -> None:
    assert outcomes(lambda dev: plain_count(dev, pauses=True)) == ({1, 2}, set())
    assert outcomes(lambda dev: plain_count(dev, pauses=False)) == ({2}, set())


def test_a_locked_count_is_exact_and_no_race() -> None:
    assert outcomes(lambda dev: counting(dev, locked=True)) == ({2}, set())


def test_a_race_between_tasks_names_both_accesses() -> None:
    ran = run(lambda dev: counting(dev, locked=False), HostFirst())

    said = str(ran.findings[0])
    assert "shared value count on host at step" in said
    assert "shared value count on other at step" in said
    assert said.count("test_device_hosts.py:") == 2


def crossed(dev: SimDevice) -> str:
    one, two = dev.lock("one"), dev.lock("two")

    def other() -> None:
        with two, one:
            pass

    task = dev.spawn("other", other)
    with one, two:
        pass
    task.join()
    return "done"


def test_locks_taken_crosswise_get_stuck_in_some_order() -> None:
    assert outcomes(crossed)[0] == {"done", "DeviceStuck"}


def test_being_stuck_says_who_waits_for_what() -> None:
    ran = run(crossed, Replay("host*2 other*2"))

    assert isinstance(ran.error, DeviceStuck)
    assert "'host' waits: acquire two; 'other' waits: acquire one" in str(ran.error)


def test_a_lock_taken_twice_by_one_task_is_refused() -> None:
    dev = SimDevice(HostFirst())
    lock = dev.lock("mutex")

    with lock, pytest.raises(Refused, match="not reentrant"), lock:
        pass


def test_a_lock_orders_accesses_and_lets_nobody_else_in() -> None:
    def program(dev: SimDevice) -> object:
        lock, order = dev.lock("mutex"), list[str]()
        buffer = dev.alloc(2, Space.PINNED, label="row")

        def use(name: str) -> None:
            with lock:
                order.append(name)
                dev.host_write(buffer.view(), name.encode() * 2)
                order.append(name)

        task = dev.spawn("b", lambda: use("b"))
        use("a")
        task.join()
        return "".join(order), dev.host_read(buffer.view())

    assert outcomes(program) == ({("aabb", b"bb"), ("bbaa", b"aa")}, set())


def test_a_task_error_is_raised_at_join_and_at_the_end_if_nobody_joins() -> None:
    def failing() -> None:
        raise KeyError("lost")

    def joined(dev: SimDevice) -> object:
        task = dev.spawn("other", failing)
        with pytest.raises(KeyError, match="lost"):
            task.join()
        return "caught"

    assert run(joined, HostFirst()).outcome == "caught"
    assert isinstance(run(lambda dev: dev.spawn("other", failing), HostFirst()).error, KeyError)


def test_what_a_task_did_is_before_what_follows_its_join() -> None:
    def program(dev: SimDevice, *, joins: bool) -> object:
        buffer = dev.alloc(1, Space.PINNED, label="row")
        task = dev.spawn("other", lambda: dev.host_write(buffer.view(), b"x"))
        if joins:
            task.join()
        dev.host_write(buffer.view(), b"y")
        return dev.host_read(buffer.view())

    assert outcomes(lambda dev: program(dev, joins=True)) == ({b"y"}, set())
    assert outcomes(lambda dev: program(dev, joins=False)) == ({b"x", b"y"}, {"race"})


def test_a_run_that_ends_early_leaves_no_thread() -> None:
    before = threading.active_count()
    cleaned: list[str] = []

    def program(dev: SimDevice) -> None:
        lock = dev.lock("mutex")

        def waits() -> None:
            try:
                with lock:
                    pass
            finally:
                cleaned.append("other")

        with lock:
            dev.spawn("other", waits)
            dev.spawn("never", waits)
            raise RuntimeError("program bug")

    ran = run(program, Replay("host*3 other"))

    assert isinstance(ran.error, RuntimeError)
    assert cleaned == ["other"]
    assert threading.active_count() == before


class Abandons:
    """Gives up at a step, whoever asks."""

    def __init__(self, at: int) -> None:
        self._left = at
        self._chance = Random(0)

    def pick(self, pending: object) -> int:
        self._left -= 1
        if self._left < 0:
            raise Abandoned("enough")
        return self._chance.pick(pending)  # type: ignore[arg-type]


@pytest.mark.parametrize("at", range(12))
def test_a_schedule_may_abandon_a_run_at_any_step(at: int) -> None:
    before = threading.active_count()

    with pytest.raises(Abandoned):
        run(lambda dev: counting(dev, locked=True), Abandons(at))

    assert threading.active_count() == before


def test_a_poll_that_is_never_served_ends_with_its_step_count() -> None:
    def polls(dev: SimDevice) -> None:
        event = dev.event("e")
        dev.record(event, dev.legacy)
        while not dev.query(event):
            pass

    ran = run(polls, HostFirst(), SimOptions(steps_max=100))

    assert isinstance(ran.error, StepsExhausted)
    assert "100 steps" in str(ran.error)
    assert run(polls, Eager(), SimOptions(steps_max=100)).error is None


def test_a_thread_of_ones_own_is_refused() -> None:
    dev = SimDevice(HostFirst())
    caught: list[BaseException] = []

    def stranger() -> None:
        try:
            dev.alloc(1, Space.PINNED, label="row")
        except Refused as error:
            caught.append(error)

    thread = threading.Thread(target=stranger)
    thread.start()
    thread.join()

    assert "did not start" in str(caught[0])


@pytest.mark.parametrize("name", ["host", "s1", "", "two words", "a*3", "9"])
def test_a_name_that_no_schedule_could_be_written_with_is_refused(name: str) -> None:
    dev = SimDevice(HostFirst())
    dev.stream("s1")

    with pytest.raises(Refused, match="Choose another name"):
        dev.stream(name)


def pins(dev: SimDevice, *, checks: int) -> str:
    """A remote reader pins a block while the scheduler onboards it: check before, twice, never."""
    refs, slot, lock = dev.shared("refs", 0), dev.shared("slot", 0), dev.lock("lru")
    source = dev.alloc(4, Space.PINNED, label="secondary")
    target = dev.alloc(4, Space.DEVICE, label="primary")
    stream = dev.stream("copies")
    read: list[int] = []

    def is_free() -> bool:
        with lock:
            return not refs.get()

    def onboards() -> None:
        if checks and not is_free():
            return
        dev.copy(target.view(), source.view(), stream)
        dev.synchronize(stream)
        with lock:
            if checks < 2 or not refs.get():
                slot.set(1)

    def reads() -> None:
        with lock:
            refs.set(refs.get() + 1)
            read.append(slot.get())
        with lock:
            read.append(slot.get())
        with lock:
            refs.set(refs.get() - 1)

    task = dev.spawn("reader", reads)
    onboards()
    task.join()
    return "whole" if read[0] == read[1] else "torn"


@pytest.mark.parametrize(
    ("checks", "expected"),
    [(0, {"whole", "torn"}), (1, {"whole", "torn"}), (2, {"whole"})],
)
def test_pinning_against_a_copy_needs_both_checks(checks: int, expected: set[str]) -> None:
    assert outcomes(lambda dev: pins(dev, checks=checks)) == (expected, set())


def test_host_accesses_of_tasks_to_different_bytes_are_no_race() -> None:
    def program(dev: SimDevice) -> object:
        buffer = dev.alloc(2, Space.PINNED, label="row")

        def write() -> None:
            with dev.host(buffer.view(0, 1), Mode.WRITE) as data:
                data[0] = 1

        task = dev.spawn("other", write)
        dev.host_write(buffer.view(1, 2), b"\2")
        task.join()
        return dev.host_read(buffer.view())

    assert outcomes(program) == ({b"\1\2"}, set())
    assert FindingKind.RACE.value == "race"
