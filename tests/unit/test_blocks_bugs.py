"""Each known bug of the manager shows, and shows by the evidence it says it needs, no less."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from block_bench import A, B, Bench, C, bench, key
from tiers_judge import Judge, play, settings_for

import kvimpl.bugs
import kvspec.bugs
from kvimpl.blocks import BlockManager, BlockPool, Keep, PoolSettings
from kvimpl.blocks.errors import BlockError
from kvimpl.bugs import BUGS, Bug, Evidence, Needs
from kvspec.events import Detail, Level
from kvspec.models import MACHINES

SEEDS = range(6)
CALLS = 150
THREADED = {bug.id for bug in BUGS.values() if Needs.THREADS in bug.needs}
MISUSED = {"kv-002"}
JUDGED = [
    bug
    for bug in BUGS.values()
    if bug.design == "tiers" and bug.id not in THREADED and bug.id not in MISUSED
]


def noticed(bug: Bug, detail: Detail) -> bool:
    "Whether the tiered pool's judge refuses some random run of the bug."
    for seed in SEEDS:
        judge = Judge(2, 2, detail)
        try:
            at = Bench(
                settings_for(judge), reporter=judge, pool=bug.pool, manager_class=bug.manager
            )
            play(at, seed=seed, count=CALLS)
        except (AssertionError, BlockError, KeyError, IndexError):
            return True
    return False


@pytest.mark.parametrize("bug", JUDGED, ids=lambda bug: bug.id)
def test_the_design_refuses_the_bug_by_the_evidence_it_needs(bug: Bug) -> None:
    assert noticed(bug, Detail.PARTS)
    assert noticed(bug, Detail.STEPS) == (bug.evidence is Evidence.STEP)


@pytest.mark.parametrize(
    "bug", [bug for bug in BUGS.values() if bug.evidence is Evidence.BYTES], ids=lambda bug: bug.id
)
def test_bookkeeping_alone_is_blind_to_what_only_bytes_show(bug: Bug) -> None:
    assert not noticed(bug, Detail.PARTS)


def test_the_canary_is_refused_at_the_first_allocation() -> None:
    judge = Judge(1, 1)
    at = Bench(settings_for(judge), reporter=judge, pool=BUGS["canary"].pool)
    with pytest.raises(AssertionError):
        at.manager.allocate(A)


# ---- what each bug costs, as an incident; the right manager gets through


def at_sizes_of(bug: Bug, *, right: bool) -> Bench:
    return Bench(
        bug.sized(slot_bytes=4),
        pool=BlockPool if right else bug.pool,
        manager_class=BlockManager if right else bug.manager,
    )


def keeps_a_timed_priority_for_its_time_only(at: Bench) -> None:
    kept = at.manager.allocate(A, keep=Keep(priority=2, seconds=10.0))
    at.write(kept, "x")
    at.manager.commit(kept, A, key("x"))
    at.manager.release(kept, A)
    at.manager.allocate(B)
    at.settle()
    at.clock.now = 11.0
    assert at.manager.refresh() == 1
    assert at.manager.observe().priority == (1, 1)


def expires_only_what_is_free(at: Bench) -> None:
    kept = at.manager.allocate(A, keep=Keep(priority=2, seconds=10.0))
    at.write(kept, "x")
    at.manager.commit(kept, A, key("x"))
    at.manager.release(kept, A)
    at.hit("x", B)
    at.clock.now = 11.0
    assert at.manager.refresh() == 0


def copies_only_what_is_worth_it(at: Bench) -> None:
    low = at.manager.allocate(A, keep=Keep(priority=0))
    at.write(low, "x")
    at.manager.commit(low, A, key("x"))
    at.manager.release(low, A)
    at.manager.allocate(B)
    assert at.manager.observe().pending == ((), ())


def a_block_on_its_way_down_keeps_its_bytes(at: Bench) -> None:
    at.cached("x")
    fresh = at.manager.allocate(B)
    at.manager.end_step()
    at.device.fill(at.manager.view(fresh), ord("y"), at.compute)
    at.device.run(stream=0)
    at.settle()
    at.manager.begin_step()
    at.manager.release(fresh, B)
    home = at.hit("x", C)
    at.settle()
    assert at.bytes_of(home) == b"xxxx"


def a_block_goes_down_with_what_compute_wrote(at: Bench) -> None:
    first = at.manager.allocate(A)
    at.manager.end_step()
    at.device.fill(at.manager.view(first), ord("x"), at.compute)
    at.manager.begin_step()
    at.manager.commit(first, A, key("x"))
    at.manager.release(first, A)
    at.manager.allocate(B)
    at.device.run(stream=2)
    at.settle()
    assert at.bytes_of(first) == b"xxxx"


def what_a_reader_pinned_is_not_handed_out(at: Bench) -> None:
    at.cached("x")
    lock = at.device.locks[0]
    enter = lock.__class__.__enter__

    class ReaderComesFirst(lock.__class__):  # type: ignore[name-defined,misc]
        def __enter__(self) -> None:
            self.__class__ = lock_class
            at.manager.pin_key(key("x"))
            enter(self)

    lock_class = lock.__class__
    lock.__class__ = ReaderComesFirst
    try:
        handle = at.manager.allocate(B)
    except BlockError:
        return
    assert at.manager.observe().pins[handle.block] == 0


def a_second_release_changes_nothing(at: Bench) -> None:
    handle = at.manager.allocate(A)
    at.manager.release(handle, A)
    before = at.manager.observe()
    with contextlib.suppress(BlockError):
        at.manager.release(handle, A)
    assert at.manager.observe() == before


def what_a_reader_reads_is_not_written(at: Bench) -> None:
    at.cached("x")
    receipt = at.manager.pin_key(key("x"))
    assert receipt is not None
    with contextlib.suppress(BlockError):
        at.write(at.manager.allocate(B), "y")
    at.settle()
    assert at.device.peek(receipt.view) == b"xxxx"


INCIDENTS: dict[str, Callable[[Bench], None]] = {
    "s1-6": keeps_a_timed_priority_for_its_time_only,
    "s1-6-expires-in-use": expires_only_what_is_free,
    "s1-6-unworthy": copies_only_what_is_worth_it,
    "inv-28-compute-too-early": a_block_on_its_way_down_keeps_its_bytes,
    "inv-28-copies-too-early": a_block_goes_down_with_what_compute_wrote,
    "kv-002": a_second_release_changes_nothing,
    "kv-119": what_a_reader_reads_is_not_written,
    "kv-s07": what_a_reader_pinned_is_not_handed_out,
}


@pytest.mark.parametrize("name", INCIDENTS)
def test_the_right_manager_gets_through_the_incident_and_the_bug_does_not(name: str) -> None:
    INCIDENTS[name](at_sizes_of(BUGS[name], right=True))
    with pytest.raises((AssertionError, BlockError)):
        INCIDENTS[name](at_sizes_of(BUGS[name], right=False))


def test_s1_1_ends_with_the_counters_that_the_right_order_has() -> None:
    seen = []
    for pool in (BlockPool, BUGS["s1-1"].pool):
        at = bench(1, 1, pool=pool)
        at.cached("x")
        at.manager.allocate(B)
        seen.append(at.manager.observe())
    assert seen[0] == seen[1]
    during = [shown.free_count for shown in at.teller.shown]
    assert (1, 0) in during, "in between the host level counts down for a device block"


def test_s1_5_queues_a_block_twice_without_a_word() -> None:
    at = bench(2, 0, pool=BUGS["s1-5"].pool)
    at.cached("x")
    receipt = at.manager.pin_key(key("x"))
    assert receipt is not None
    at.manager.unpin(receipt)
    assert at.manager.free_count(Level.PRIMARY) == 3
    assert at.free(Level.PRIMARY).count(receipt.handle.block) == 2


# ---- the registry


def test_each_bug_file_is_registered_under_its_name() -> None:
    folder = Path(kvimpl.bugs.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "bug", "unchecked"}
    assert {name.replace("_", "-") for name in files} == set(BUGS)
    assert all(bug.id == name for name, bug in BUGS.items())


def test_every_bug_of_one_thread_is_killed_by_some_test_here() -> None:
    assert {bug.id for bug in JUDGED} | set(INCIDENTS) | THREADED == set(BUGS)


def test_a_bug_that_the_designs_have_too_has_their_id_and_row() -> None:
    shared = {name for name in BUGS if name in kvspec.bugs.BUGS}
    assert {"s1-1", "s1-5", "s1-6"} <= shared
    assert len(shared) >= 9
    for name in shared:
        assert BUGS[name].row == kvspec.bugs.BUGS[name].row


@pytest.mark.parametrize("bug", BUGS.values(), ids=lambda bug: bug.id)
def test_a_bug_says_where_it_happened_and_builds(bug: Bug) -> None:
    assert bug.design in MACHINES
    assert bug.sentence.endswith(".")
    assert bug.source
    assert isinstance(bug.sized(), PoolSettings)
    at = bench(1, 1)
    made = bug.build(at.device, bug.sized(), compute=at.compute, clock=at.clock)  # type: ignore[arg-type]
    made.close()
