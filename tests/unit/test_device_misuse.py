"""Lost updates and crossed locks are told from one run, with the lines, though nothing raced."""

from __future__ import annotations

from collections.abc import Callable

from kvcheck.schedule import Budget, HostFirst, Reach, Replay, explore
from kvimpl.bugs import BUGS
from kvimpl.device.port import Finding, FindingKind
from kvimpl.device.port.errors import DeviceStuck
from kvimpl.device.port.shared_row import SharedRow
from kvimpl.device.port.steps import Schedule
from kvimpl.device.sim import SimDevice, run
from kvspec.events import Key, RequestId

Program = Callable[[SimDevice], object]


def kinds(program: Program, schedule: Schedule) -> set[FindingKind]:
    return {finding.kind for finding in run(program, schedule).findings}


def every_kind(program: Program) -> set[frozenset[FindingKind]]:
    "What is found, by run, over every order."
    explored = explore(lambda s: frozenset(kinds(program, s)), budget=Budget(runs=5_000))
    assert explored.reach is Reach.EXHAUSTED
    return set(explored.outcomes)


def counted(dev: SimDevice, *, looks_again: bool) -> int:
    "Two tasks add one; each access is under the lock, but the look and the write are two sections."
    count, lock = SharedRow(dev, "count", [0]), dev.lock("mutex")

    def add() -> None:
        with lock:
            seen = count[0]
        with lock:
            if looks_again:
                seen = count[0]
            count[0] = seen + 1

    other = dev.spawn("other", add)
    add()
    other.join()
    return count[0]


def test_an_update_is_lost_though_every_access_is_under_the_lock() -> None:
    found = every_kind(lambda dev: counted(dev, looks_again=False))

    assert found == {frozenset(), frozenset({FindingKind.LOST_UPDATE})}


def test_who_looks_again_loses_nothing() -> None:
    assert every_kind(lambda dev: counted(dev, looks_again=True)) == {frozenset()}


def lost() -> Finding:
    explored = explore(
        lambda s: run(lambda dev: counted(dev, looks_again=False), s).findings,
        budget=Budget(runs=5_000),
        stop=bool,
    )
    ((finding,),) = [findings for findings in explored.outcomes if findings]
    return finding


def test_a_lost_update_names_the_look_the_write_between_and_the_write() -> None:
    finding = lost()

    assert finding.second is not None
    assert (finding.first.does, finding.second.does) == ("get count[0]", "set count[0]")
    assert finding.first.actor == finding.second.actor
    assert finding.says.count("test_device_misuse.py:") == 3
    assert "Between the two: set count[0] writes shared value count[0] on " in finding.says


def crossed(dev: SimDevice) -> None:
    "One task takes two locks this way round, and after it another takes them that way round."
    one, two = dev.lock("one"), dev.lock("two")

    def other() -> None:
        with two, one:
            pass

    with one, two:
        pass
    dev.spawn("other", other).join()


def test_crossed_locks_are_told_though_no_run_can_get_stuck() -> None:
    assert every_kind(crossed) == {frozenset({FindingKind.LOCK_ORDER})}
    (finding,) = run(crossed, HostFirst()).findings
    assert finding.second is not None
    assert (finding.first.does, finding.second.does) == ("acquire two", "acquire one")
    assert "while it holds two" in finding.says
    assert "while it held one" in finding.says
    assert finding.says.count("test_device_misuse.py:") == 2


def test_a_managers_second_lock_is_told_by_a_run_of_one_thread() -> None:
    def program(dev: SimDevice) -> None:
        bug = BUGS["kv-104"]
        compute = dev.stream("compute")
        manager = bug.build(dev, bug.sized(), compute=compute, clock=lambda: 0.0)
        manager.begin_step()
        manager.commit(manager.allocate(RequestId(0)), RequestId(0), Key(b"x"))
        manager.end_step()
        manager.pin_key(Key(b"x"))

    (finding,) = run(program, HostFirst()).findings
    assert finding.kind is FindingKind.LOCK_ORDER
    assert "acquire kv.pool" in finding.says
    assert "bugs/kv_104.py" in finding.says


def in_a_ring(dev: SimDevice) -> None:
    "Three locks, each taken under the one before it, the first under the last."
    locks = [dev.lock(name) for name in ("one", "two", "three")]
    for outer, inner in (0, 1), (1, 2), (2, 0):
        with locks[outer], locks[inner]:
            pass


def test_locks_in_a_ring_are_told_and_locks_in_one_order_are_not() -> None:
    def in_a_row(dev: SimDevice) -> None:
        one, two, three = (dev.lock(name) for name in ("one", "two", "three"))
        with one, two, three:
            pass
        with one, three:
            pass

    assert kinds(in_a_ring, HostFirst()) == {FindingKind.LOCK_ORDER}
    assert kinds(in_a_row, HostFirst()) == set()


def stuck(dev: SimDevice) -> None:
    one, two = dev.lock("one"), dev.lock("two")

    def other() -> None:
        with two, one:
            pass

    task = dev.spawn("other", other)
    with one, two:
        pass
    task.join()


def test_a_run_that_is_stuck_says_who_holds_what_the_other_waits_for() -> None:
    ran = run(stuck, Replay("host*2 other*2"))

    assert isinstance(ran.error, DeviceStuck)
    words = "'host' waits: acquire two; 'other' waits: acquire one; 'host' holds one; 'other' holds"
    assert words in str(ran.error)
