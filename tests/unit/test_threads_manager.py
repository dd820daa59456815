"""The shared manager by itself: what its calls do, and that each refusal leaves no effect."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from kvcheck.linear.host import host_device
from kvcheck.schedule import HostFirst
from kvimpl.blocks import BlockHandle, Broken, DeviceFault, Miss, NoFreeBlock, PoolSettings, Stored
from kvimpl.blocks import errors as refused
from kvimpl.device.port import DeviceFailed, Refused, Space
from kvimpl.device.sim import CopyFault, SimDevice, SimOptions
from kvimpl.shared import Reader, SharedManager, SharedState, SharedStep, steps
from kvimpl.shared.steps import SharedShown
from kvspec.events import Key, Level, RequestId

A, B = RequestId(0), RequestId(1)
X, Y = Key(b"x"), Key(b"y")
SETTINGS = PoolSettings(primary_count=1, secondary_count=1, slot_bytes=4, references_max=2)


@dataclass
class Told:
    "Keeps what it is told."

    steps: list[SharedStep] = field(default_factory=list)

    def report(self, step: SharedStep, shown: SharedShown) -> None:
        self.steps.append(step)

    def names(self) -> list[str]:
        return [type(step).__name__ for step in self.steps]


class Bench:
    "A manager on a simulated device that works late."

    def __init__(self, settings: PoolSettings = SETTINGS, device: Any = None) -> None:
        self.device = device or SimDevice(HostFirst())
        self.compute = self.device.stream("compute")
        self.told = Told()
        self.manager = SharedManager(
            self.device, settings, compute=self.compute, reporter=self.told
        )

    def put(self, request: RequestId, key: Key) -> BlockHandle:
        "A block with content, held by the request."
        block = self.manager.allocate(request)
        self.device.fill(self.manager.view(block), key[0], self.compute)
        assert self.manager.commit(block, request, key) is Stored.STORED
        return block

    def content(self, block: BlockHandle) -> bytes:
        "The block's bytes, by a copy."
        view = self.manager.view(block)
        back = self.device.alloc(view.nbytes, Space.PINNED, label="back")
        self.device.copy(back.view(), view, self.compute)
        self.device.synchronize(self.compute)
        return bytes(self.device.host_read(back.view()))

    @property
    def state(self) -> SharedState:
        return self.manager.observe()


def test_what_was_moved_down_comes_up_again_with_its_bytes() -> None:
    bench = Bench()
    first = bench.put(A, X)
    bench.manager.release(first, A)
    bench.put(B, Y)
    assert bench.manager.acquire(A, X) is Miss.NO_ROOM
    bench.manager.release_request(B)

    again = bench.manager.acquire(A, X)

    assert isinstance(again, BlockHandle)
    assert bench.content(again) == b"xxxx"
    assert bench.told.names() == [
        "Allocated", "Committed", "Released", "ClaimedDown", "Sent", "Swapped", "Arrived",
        "Committed", "Missed", "Released", "ClaimedUp", "Sent", "Swapped", "Arrived",
    ]  # fmt: skip
    assert bench.device.findings == ()


def test_a_pinned_block_stays_in_its_slot_and_is_no_victim() -> None:
    bench = Bench()
    bench.manager.release(bench.put(A, X), A)
    receipt = bench.manager.pin_key(X)
    assert receipt is not None

    with pytest.raises(NoFreeBlock, match=r"None of 1 primary blocks is free\."):
        bench.manager.allocate(B)

    assert bench.state.slot[receipt.handle.block] == receipt.slot == 0
    bench.manager.unpin(receipt)
    assert bench.manager.allocate(B).block != receipt.handle.block


class Meddling:
    "Comes to a block while its copy is in flight: the moment between two sections."

    def __init__(self, bench: Bench) -> None:
        self.bench, self.receipts = bench, []

    def report(self, step: SharedStep, shown: SharedShown) -> None:
        if isinstance(step, steps.Sent):
            self.bench.manager.reporter = None
            self.receipts.append(self.bench.manager.pin_key(X))


def test_a_block_that_a_reader_came_to_stays_and_the_allocation_ends() -> None:
    bench = Bench()
    bench.manager.release(bench.put(A, X), A)
    meddler = Meddling(bench)
    bench.manager.reporter = meddler

    with pytest.raises(NoFreeBlock, match="Readers came to 1 blocks"):
        bench.manager.allocate(B)

    (receipt,) = meddler.receipts
    assert bench.state.slot[receipt.handle.block] == receipt.slot
    assert (bench.state.in_hand, bench.state.free_count) == ((False, False), (0, 1))


def test_a_match_that_a_reader_came_to_is_a_miss() -> None:
    bench = Bench()
    bench.manager.release(bench.put(A, X), A)
    bench.put(B, Y)
    bench.manager.release_request(B)
    meddler = Meddling(bench)
    bench.manager.reporter = meddler

    assert bench.manager.acquire(A, X) is Miss.BUSY_IN_HOST

    (receipt,) = meddler.receipts
    assert receipt.slot == 1 == bench.state.slot[receipt.handle.block]
    assert bench.manager.acquire(A, X) is Miss.BUSY_IN_HOST
    bench.manager.unpin(receipt)
    assert isinstance(bench.manager.acquire(A, X), BlockHandle)


def test_a_reader_gets_the_bytes_wherever_the_block_is() -> None:
    bench = Bench()
    reader = Reader(bench.manager, bench.device, name="reader")
    bench.manager.release(bench.put(A, X), A)
    assert reader.read(X) == b"xxxx"
    bench.put(B, Y)

    assert (reader.read(X), reader.read(Y), reader.read(Key(b"unknown"))) == (
        b"xxxx",
        b"yyyy",
        None,
    )
    assert bench.device.findings == ()


def test_every_misuse_is_refused_and_changes_nothing() -> None:
    bench, other = Bench(), Bench()
    manager = bench.manager
    block = bench.put(A, X)
    receipt = manager.pin_key(X)
    assert receipt is not None
    manager.unpin(receipt)
    before = bench.state
    foreign = other.put(A, X)
    misuses = [
        (refused.NotHeld, lambda: manager.release(block, B)),
        (refused.ForeignHandle, lambda: manager.release(foreign, A)),
        (refused.AlreadyCached, lambda: manager.commit(block, A, Y)),
        (refused.SizeError, lambda: manager.commit(block, A, Key(b""))),
        (refused.AlreadyHeld, lambda: manager.acquire(A, X)),
        (refused.NotPinned, lambda: manager.unpin(receipt)),
        (refused.ForeignHandle, lambda: other.manager.unpin(receipt)),
        (refused.StillInUse, manager.close),
        (NoFreeBlock, lambda: manager.allocate(B)),
    ]

    for kind, misuse in misuses:
        with pytest.raises(kind):
            misuse()
        assert bench.state == before, kind


def test_a_handle_that_was_kept_too_long_is_told_by_its_generation() -> None:
    bench = Bench(PoolSettings(primary_count=1, slot_bytes=4))
    old = bench.put(A, X)
    bench.manager.release(old, A)
    bench.put(B, Y)

    for late in (bench.manager.slot_of, bench.manager.pin, lambda h: bench.manager.release(h, A)):
        with pytest.raises(refused.StaleHandle, match="is of generation 1"):
            late(old)


def test_a_block_counts_no_more_references_than_it_may() -> None:
    bench = Bench()
    bench.put(A, X)
    assert bench.manager.pin_key(X) is not None

    with pytest.raises(refused.LimitReached, match="has 2 references"):
        bench.manager.pin_key(X)
    assert bench.manager.acquire(B, X) is Miss.SHARED_TOO_OFTEN


def test_a_pin_of_what_has_no_content_is_refused() -> None:
    bench = Bench()
    block = bench.manager.allocate(A)
    bench.manager.release(block, A)

    with pytest.raises(refused.NotCached):
        bench.manager.pin(block)


def test_a_pin_of_what_is_about_to_be_written_over_is_refused() -> None:
    answers: list[str] = []

    class Meanwhile(SimDevice):
        "While the second copy down is sent, a reader pins what it will overwrite, by its handle."

        def copy(self, *arguments: Any, **options: Any) -> Any:  # as the device's
            if options["label"] == "kv copy 1":
                with pytest.raises(refused.NotCached):
                    bench.manager.pin(old)
                answers.append("refused")
            return super().copy(*arguments, **options)

    bench = Bench(SETTINGS, Meanwhile(HostFirst()))
    old = bench.put(A, X)
    bench.manager.release(old, A)
    bench.manager.release(bench.put(B, Y), B)

    bench.manager.allocate(A)

    assert answers == ["refused"]
    assert "Stayed" not in bench.told.names()


class Refusing(SimDevice):
    "Refuses the next copies, as many as it is told."

    refusals = 0

    def copy(self, *arguments: Any, **options: Any) -> Any:  # as the device's
        if self.refusals:
            self.refusals -= 1
            raise Refused("no. It was told to. Call again.")
        return super().copy(*arguments, **options)


def test_a_copy_that_the_device_refuses_leaves_both_blocks_where_they_were() -> None:
    device = Refusing(HostFirst())
    bench = Bench(SETTINGS, device)
    bench.manager.release(bench.put(A, X), A)
    bench.manager.release(bench.put(B, Y), B)
    before = bench.state
    device.refusals = 2

    with pytest.raises(DeviceFault, match="refused to copy slot 0 to slot 1"):
        bench.manager.allocate(B)
    with pytest.raises(DeviceFault, match="refused to copy slot 1 to slot 0"):
        bench.manager.acquire(A, X)

    assert bench.state == before
    assert isinstance(bench.manager.acquire(A, X), BlockHandle)


def test_a_device_that_fails_ends_the_manager() -> None:
    options = SimOptions(faults=(CopyFault(at=1),))
    bench = Bench(SETTINGS, SimDevice(HostFirst(), options))
    bench.manager.release(bench.put(A, X), A)
    bench.manager.allocate(B)
    bench.manager.release_request(B)

    for _ in range(2):
        with pytest.raises(Broken, match="The device failed"):
            bench.manager.acquire(A, X)


def test_a_device_that_fails_before_a_commit_ends_the_manager_too() -> None:
    options = SimOptions(faults=(CopyFault(at=1),))
    bench = Bench(SETTINGS, SimDevice(HostFirst(), options))
    bench.manager.release(bench.put(A, X), A)
    block = bench.manager.allocate(B)
    with pytest.raises(DeviceFailed):
        bench.device.synchronize()

    with pytest.raises(Broken, match="The device failed"):
        bench.manager.commit(block, B, Y)
    with pytest.raises(Broken):
        bench.manager.pin_key(X)


def test_a_manager_closes_once_everybody_has_let_go() -> None:
    bench = Bench()
    bench.put(A, X)
    assert bench.manager.release_request(A) == 1
    assert [bench.manager.free_count(level) for level in Level] == [1, 1]
    bench.manager.close()
    bench.manager.close()

    with pytest.raises(refused.Closed):
        bench.manager.allocate(A)
    assert bench.device.close() == ()


def test_a_request_has_its_blocks_in_the_order_in_which_it_got_them() -> None:
    bench = Bench(PoolSettings(primary_count=3, slot_bytes=4))
    blocks = tuple(bench.put(A, Key(name)) for name in (b"a", b"b", b"c"))
    bench.manager.release(blocks[1], A)

    assert bench.manager.table(A) == (blocks[0], blocks[2])
    assert bench.manager.page_table(A) == bytes([0, 0, 0, 0, 2, 0, 0, 0])


def test_it_runs_on_real_threads() -> None:
    bench = Bench(SETTINGS, host_device())
    bench.manager.release(bench.put(A, X), A)
    reader = Reader(bench.manager, bench.device, name="reader")
    got: list[bytes | None] = []
    task = bench.device.spawn("reading", lambda: got.append(reader.read(X)))
    task.join()

    assert got == [b"xxxx"]
