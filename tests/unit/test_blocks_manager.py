"""What a caller of the manager relies on: hits bring the bytes, and order of eviction."""

from __future__ import annotations

import struct

import pytest
from block_bench import A, B, C, bench, key

from kvimpl.blocks import BlockHandle, Miss, QueueDesign, Stored
from kvspec.events import BlockId, Level

UP, DOWN = Level.PRIMARY, Level.SECONDARY


def test_a_block_comes_back_from_host_memory_with_its_bytes() -> None:
    at = bench(1, 1)
    first = at.cached("x")
    at.cached("y", B)
    assert at.manager.observe().slot == (1, 0)
    at.settle()
    again = at.hit("x", C)
    assert at.bytes_of(again) != b"xxxx"
    at.settle()
    assert again == first
    assert at.bytes_of(again) == b"xxxx"


def test_offload_copies_before_the_new_owner_writes() -> None:
    at = bench(1, 1)
    at.cached("x")
    fresh = at.manager.allocate(B)
    at.manager.end_step()
    at.device.fill(at.manager.view(fresh), ord("y"), at.compute, label="compute")
    assert at.device.run() == ["copy 0: slot 0 to 1", "compute"]
    at.manager.poll()
    at.manager.begin_step()
    at.manager.release(fresh, B)
    kept = at.hit("x", C)
    at.settle()
    assert at.bytes_of(kept) == b"xxxx"


def test_a_block_on_its_way_down_is_a_miss_until_the_copy_is_complete() -> None:
    at = bench(2, 1)
    at.cached("x")
    at.cached("y")
    at.manager.allocate(B)
    assert at.manager.acquire(C, key("x")) is Miss.BUSY_IN_HOST
    at.settle()
    assert isinstance(at.manager.acquire(C, key("x")), BlockHandle)


def test_without_room_for_a_copy_content_is_dropped_not_waited_for() -> None:
    at = bench(2, 2, copies_max=1)
    at.cached("x")
    at.cached("y")
    at.manager.allocate(A)
    at.manager.allocate(B)
    assert at.manager.acquire(C, key("y")) is Miss.UNKNOWN
    assert at.manager.acquire(C, key("x")) is Miss.BUSY_IN_HOST


def test_a_hit_without_a_free_device_block_says_so() -> None:
    at = bench(1, 1)
    at.cached("x")
    at.manager.allocate(A)
    at.settle()
    assert at.manager.acquire(B, key("x")) is Miss.NO_ROOM


def test_requests_share_a_cached_block_and_the_last_one_frees_it() -> None:
    at = bench(2, 0)
    at.cached("x")
    first, second = at.hit("x", A), at.hit("x", B)
    assert first == second
    at.manager.release(first, A)
    assert first.block not in at.free(UP)
    at.manager.release(second, B)
    assert at.free(UP) == (BlockId(1), first.block)


def test_a_request_is_released_last_block_first() -> None:
    at = bench(3, 0)
    handles = [at.manager.allocate(A) for _ in range(3)]
    assert at.manager.release_request(A) == 3
    assert at.free(UP) == tuple(handle.block for handle in reversed(handles))
    assert at.manager.release_request(A) == 0


def test_a_key_that_is_known_leaves_the_block_private() -> None:
    at = bench(2, 0)
    at.cached("x", A)
    mine = at.manager.allocate(B)
    assert at.manager.commit(mine, B, key("x")) is Stored.DUPLICATE
    assert at.manager.observe().cached == (True, False)


def test_a_pinned_block_stays_in_its_slot_and_unpinning_leaves_no_trace() -> None:
    at = bench(1, 1)
    at.cached("x")
    fresh = at.manager.allocate(B)
    at.settle()
    before = at.manager.observe()
    receipt = at.manager.pin_key(key("x"))
    assert receipt is not None
    at.manager.release(fresh, B)
    assert at.manager.acquire(C, key("x")) is Miss.BUSY_IN_HOST
    assert at.manager.slot_of(receipt.handle) == receipt.slot == 1
    assert at.device.peek(receipt.view) == b"xxxx"
    at.manager.unpin(receipt)
    assert at.manager.observe().free == (((1,),), before.free[1])
    assert at.manager.observe().refs == (0, 0)


def test_a_reader_is_told_which_copy_to_wait_for() -> None:
    at = bench(1, 1)
    at.cached("x")
    at.manager.allocate(B)
    receipt = at.manager.pin_key(key("x"))
    assert receipt is not None
    (mark,) = receipt.after
    assert not at.device.query(mark)
    at.device.run()
    assert at.device.query(mark)
    assert at.device.peek(receipt.view) == b"xxxx"


def test_a_kernel_s_table_names_the_blocks_in_order() -> None:
    at = bench(3, 0)
    for _ in range(2):
        at.manager.allocate(A)
    assert at.manager.page_table(A) == struct.pack("<2I", 0, 1)
    assert [handle.block for handle in at.manager.table(A)] == [0, 1]
    assert at.manager.page_table(B) == b""


def test_a_block_of_low_priority_goes_first_and_is_not_copied() -> None:
    from kvimpl.blocks import Keep

    at = bench(2, 1, priority_count=3, default_priority=1, offload_priority_min=1)
    low = at.manager.allocate(A, keep=Keep(priority=0))
    at.write(low, "x")
    at.manager.commit(low, A, key("x"))
    at.manager.release(low, A)
    assert at.free(UP)[0] == low.block
    at.manager.allocate(B)
    assert at.manager.acquire(C, key("x")) is Miss.UNKNOWN


@pytest.mark.parametrize("design", QueueDesign)
def test_a_timed_priority_ends_wherever_the_block_is(design: QueueDesign) -> None:
    from kvimpl.blocks import Keep

    at = bench(1, 1, priority_count=3, default_priority=1, offload_priority_min=1, queues=design)
    kept = at.manager.allocate(A, keep=Keep(priority=2, seconds=10.0))
    at.write(kept, "x")
    at.manager.commit(kept, A, key("x"))
    at.manager.release(kept, A)
    at.manager.allocate(B)
    at.settle()
    assert at.manager.observe().free[1] == ((), (), (kept.block,))
    at.clock.now = 9.0
    assert at.manager.refresh() == 0
    at.clock.now = 10.0
    assert at.manager.refresh() == 1
    assert at.manager.observe().free[1] == ((), (kept.block,), ())
    assert at.manager.observe().timed == (False, False)


def test_time_begins_when_the_block_is_free() -> None:
    from kvimpl.blocks import Keep

    at = bench(2, 0, priority_count=2)
    kept = at.manager.allocate(A, keep=Keep(priority=1, seconds=1.0))
    at.clock.now = 5.0
    assert at.manager.refresh() == 0
    at.manager.release(kept, A)
    assert at.manager.refresh() == 0
    at.clock.now = 6.0
    assert at.manager.refresh() == 1


def test_closing_waits_for_copies_and_gives_the_memory_back() -> None:
    at = bench(1, 1)
    at.cached("x")
    at.manager.release(at.manager.allocate(B), B)
    at.manager.close()
    at.manager.close()
    assert at.device.live == {}
