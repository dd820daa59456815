"""What the device was told and what its bytes say is judged beside the bookkeeping.

The program fills a block by compute with its tag, lets it be moved down while another request
fills the slot that it had, and brings it home. Each wrong manager keeps perfect books.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from block_bench import A, B, C, Hands, key

from kvcheck.lockstep import (
    Judge,
    OnRefusal,
    Payload,
    Reason,
    Refusal,
    Tag,
    WatchedDevice,
    design_for,
    tag_in,
    text_of,
)
from kvcheck.lockstep import order as rules
from kvcheck.lockstep.parts import WrongPart
from kvcheck.lockstep.payload import HOLDS, TAG_BYTES
from kvcheck.schedule import Eager, HostFirst, Random
from kvcheck.verdict import Outcome
from kvimpl.blocks import BlockHandle, BlockManager, BlockPool, Miss, PoolSettings
from kvimpl.blocks.copies import CopyStreams, Sent
from kvimpl.blocks.errors import CopyInFlight
from kvimpl.blocks.slots import SlotMemory
from kvimpl.bugs import BUGS
from kvimpl.device import port
from kvimpl.device.port.steps import Pending, Schedule
from kvimpl.device.sim import SimDevice, run
from kvspec.events import BlockId, Generation, Release, RequestId, SlotId, Stream

SETTINGS = PoolSettings(primary_count=1, secondary_count=2, slot_bytes=32)
DESIGN = design_for(SETTINGS.shape, request_count=4)


class DownFirst:
    "Copies to the host execute as soon as they may, all else as late as it can."

    def pick(self, pending: Sequence[Pending]) -> int:
        return next((n for n, one in enumerate(pending) if one.actor == "kv.offload"), 0)


ORDERS: list[Schedule] = [
    HostFirst(),
    Eager(),
    DownFirst(),
    *[Random(seed) for seed in range(10)],
]


@dataclass(frozen=True)
class Looks:
    "What the judge looks at besides the bookkeeping."

    order: bool = True
    payload: bool = True


def write(device: port.Device, view: port.View, tag: Tag, compute: port.Stream) -> None:
    "A kernel that fills a block."
    kernel = port.Kernel("write", (port.Mode.WRITE,), lambda own: own[0].write(tag.encoded()))  # type: ignore[union-attr]
    device.launch(kernel, [view], compute)


def judged(pool: type[BlockPool], schedule: Schedule, looks: Looks) -> Judge:
    "The judge after one run of the program."
    judges: list[Judge] = []

    def program(sim: SimDevice) -> None:
        compute = sim.stream("compute")
        watched = WatchedDevice(sim, compute=compute)
        judge = Judge(
            DESIGN,
            on_refusal=OnRefusal.KEEP,
            order=watched if looks.order else None,
            payload=Payload(watched.bytes_of) if looks.payload else None,
        )
        judges.append(judge)
        manager = BlockManager(
            watched.device, SETTINGS, compute=compute, clock=Hands(), reporter=judge, pool=pool
        )

        def fill(handle: BlockHandle, owner: RequestId) -> None:
            tag = Tag(handle.block, handle.generation, owner)
            write(watched.device, manager.view(handle), tag, compute)

        for name, owner in (("x", A), ("y", B), ("z", C)):
            manager.begin_step()
            handle = manager.allocate(owner)
            manager.end_step()
            fill(handle, owner)
            while True:
                try:
                    manager.commit(handle, owner, key(name))
                    break
                except CopyInFlight:
                    watched.synchronize()
            manager.release(handle, owner)
        watched.synchronize()
        manager.poll()
        manager.begin_step()
        home = manager.acquire(A, key("x"))
        assert judge.refusal is not None or not isinstance(home, Miss)
        manager.end_step()
        watched.synchronize()
        manager.poll()

    ran = run(program, schedule)
    assert ran.error is None or judges[-1].refusal is not None, ran.error
    return judges[-1]


def refusals(pool: type[BlockPool], looks: Looks) -> list[Refusal]:
    judges = [judged(pool, order, looks) for order in ORDERS]
    return [judge.refusal for judge in judges if judge.refusal is not None]


def label(refusal: Refusal) -> str:
    assert refusal.reason is Reason.DEVICE
    assert refusal.conjunct is not None
    return refusal.conjunct.label


class CallsItComplete(CopyStreams):
    def pop_complete(self, stream: Stream) -> Sent | None:
        self._device.query = lambda _: True  # type: ignore[method-assign]
        try:
            return super().pop_complete(stream)
        finally:
            del self._device.query


class CopiesTheOtherWay(CopyStreams):
    "Tells the right slots and copies between others."

    def send(self, stream: Stream, source: SlotId, target: SlotId) -> Sent:
        views = self._memory
        self._memory = Exchanged(views)  # type: ignore[assignment]
        try:
            return super().send(stream, source, target)
        finally:
            self._memory = views


class Exchanged:
    def __init__(self, views: SlotMemory) -> None:
        self.views = views

    def view(self, slot: SlotId) -> port.View:
        return self.views.view(SlotId({1: 2, 2: 1}.get(slot, slot)))


def pool_of(streams: type[CopyStreams]) -> type[BlockPool]:
    class Pool(BlockPool):
        @classmethod
        def make_copies(
            cls, device: port.Device, memory: SlotMemory, compute: port.Stream, *, name: str
        ) -> CopyStreams:
            return streams(device, memory, compute=compute, name=name)

    return Pool


def test_the_right_manager_is_borne_out_by_the_device_under_each_order() -> None:
    for order in ORDERS:
        judge = judged(BlockPool, order, Looks())
        assert judge.refusal is None, text_of(judge.refusal)
        verdict = judge.verdict()
        assert verdict.outcome is Outcome.HOLDS
        assert "order" not in verdict.bound
        assert "payload" not in verdict.bound


@pytest.mark.parametrize(
    ("name", "rule"),
    [("inv-28-copies-too-early", rules.BEGINS), ("inv-28-compute-too-early", rules.ENDS)],
)
def test_a_sync_that_is_left_out_is_refused_at_it_under_every_order(name: str, rule: str) -> None:
    found = refusals(BUGS[name].pool, Looks(payload=False))
    assert len(found) == len(ORDERS), "the order of events shows it, not the luck of a schedule"
    assert {label(one) for one in found} == {rule}
    event = "BeginStep" if rule == rules.BEGINS else "EndStep"
    assert {type(one.event).__name__ for one in found} == {event}


@pytest.mark.parametrize("name", ["inv-28-copies-too-early", "inv-28-compute-too-early"])
def test_bytes_show_the_same_under_some_orders(name: str) -> None:
    found = refusals(BUGS[name].pool, Looks(order=False))
    assert 0 < len(found) < len(ORDERS)
    assert {label(one) for one in found} == {HOLDS}
    assert any("expected" in text_of(one) for one in found)


@pytest.mark.parametrize("name", ["inv-28-copies-too-early", "inv-28-compute-too-early"])
def test_who_looks_at_neither_sees_nothing_and_says_so(name: str) -> None:
    for order in ORDERS[:4]:
        judge = judged(BUGS[name].pool, order, Looks(order=False, payload=False))
        assert judge.refusal is None
        assert "order" in judge.verdict().bound
        assert "payload" in judge.verdict().bound


@pytest.mark.parametrize(
    ("streams", "rule"),
    [(CallsItComplete, rules.COMPLETE), (CopiesTheOtherWay, rules.ENQUEUED)],
    ids=["called complete", "the other way"],
)
def test_a_copy_that_is_not_the_one_told_is_refused(streams: type[CopyStreams], rule: str) -> None:
    found = refusals(pool_of(streams), Looks(payload=False))
    assert found
    assert {label(one) for one in found} == {rule}


def two_copies(*, second: tuple[int, int], waits: bool, asks: bool = False) -> WrongPart | None:
    "What is wrong with a copy from slot 1 to 2 and one that may wait for it, on two streams."
    found: list[WrongPart | None] = []

    def program(sim: SimDevice) -> None:
        watched = WatchedDevice(sim, compute=sim.stream("compute"))
        up, down = watched.stream("kv.onboard"), watched.stream("kv.offload")
        buffer = watched.alloc(96, port.Space.DEVICE, label="primary")
        slots = [buffer.view(n * 32, n * 32 + 32) for n in range(3)]
        watched.copy(slots[2], slots[1], down)
        mark = watched.record(sim.event("so far"), down)
        if waits:
            watched.wait(up, mark)
        if asks:
            assert not watched.query(mark)
        source, target = second
        watched.copy(slots[target], slots[source], up)
        judge = Judge(DESIGN)
        found.append(watched.see(Release(BlockId(0), A), judge.state, judge.ghosts, SETTINGS.shape))

    assert run(program, HostFirst()).error is None
    return found[0]


@pytest.mark.parametrize(
    ("second", "rule"),
    [((2, 0), rules.SOURCE), ((0, 2), rules.TARGET), ((0, 1), rules.TARGET), ((1, 0), None)],
    ids=["reads what is written", "writes what is written", "writes what is read", "reads too"],
)
def test_a_copy_comes_after_those_that_it_meets(second: tuple[int, int], rule: str | None) -> None:
    assert two_copies(second=second, waits=True) is None
    wrong = two_copies(second=second, waits=False)
    assert (None if wrong is None else wrong.label) == rule


def test_a_host_that_was_told_that_a_copy_is_not_done_has_learned_nothing() -> None:
    wrong = two_copies(second=(2, 0), waits=False, asks=True)
    assert wrong is not None
    assert wrong.label == rules.SOURCE


def test_bytes_of_another_are_named() -> None:
    judge = judged(BlockPool, HostFirst(), Looks())
    wanted = Tag(BlockId(0), judge.ghosts.generations[0], A)
    payload = Payload(lambda slot, shape: b"")
    assert payload.read(SlotId(0), wanted.encoded(), BlockId(0), judge.ghosts) is None
    other = Tag(BlockId(1), Generation(12), B)
    wrong = payload.read(SlotId(0), other.encoded(), BlockId(0), judge.ghosts)
    assert wrong is not None
    assert wrong.values == (
        ("slot 0 held", "request 1's block 1, generation 12"),
        ("expected", "request 0's block 0, generation 1"),
    )
    nobody = payload.read(SlotId(0), b"\xcd" * 32, BlockId(0), judge.ghosts)
    assert nobody is not None
    assert nobody.values[0] == ("slot 0 held", "bytes without a tag")


def test_a_tag_reads_back_and_short_bytes_have_none() -> None:
    tag = Tag(BlockId(3), Generation(7), C)
    assert tag_in(tag.encoded() + b"rest") == tag
    assert tag_in(tag.encoded()[: TAG_BYTES - 1]) is None
