"""What staging promises to its callers: slots, rows, refusals without effect, memory given back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from kvcheck.schedule import HostFirst
from kvimpl.device.port import Buffer, Event, Mark, Refused, Space, Stream
from kvimpl.device.port.errors import DeviceStuck
from kvimpl.device.sim import (
    AllocationFault,
    LaunchFault,
    SimDevice,
    SimOptions,
    StuckStream,
)
from kvimpl.staging import (
    BAD_PAGE,
    AlreadyBound,
    Closed,
    CopiedStaging,
    EmptyBatch,
    GatheredStaging,
    IndexMapper,
    NoFreeSlot,
    PageTable,
    PoolScale,
    SizeError,
    Staging,
    StagingError,
    StagingFault,
    StaleSlot,
    TableShape,
    UnknownRequest,
)
from kvspec.events import RequestId

ANN, BOB, CID = RequestId(1), RequestId(2), RequestId(3)
SHAPE = TableShape(width=3, pools=(PoolScale(2, 1), PoolScale(10, 5)))
DESIGNS = (CopiedStaging, GatheredStaging)


@dataclass
class Bench:
    """A device with one table of two slots and one staging of it."""

    device: SimDevice
    stream: Stream
    index: IndexMapper
    table: PageTable
    staging: Staging
    target: Buffer

    def shipped(self, nbytes: int) -> bytes:
        back = self.device.alloc(nbytes, Space.PINNED, label="back")
        self.device.copy(back.view(), self.target.view(0, nbytes), self.stream)
        self.device.synchronize(self.stream)
        data = self.device.host_read(back.view())
        self.device.free(back)
        return data

    def end(self) -> tuple[object, ...]:
        self.staging.close()
        self.table.close()
        self.device.free(self.target)
        return self.device.close()


def bench(design: Callable[..., Staging], options: SimOptions | None = None) -> Bench:
    device = SimDevice(HostFirst(), options or SimOptions())
    stream = device.stream("compute")
    index = IndexMapper(2)
    table = PageTable(device, SHAPE, index)
    target = device.alloc(SHAPE.shipped_bytes(2), Space.DEVICE, label="target")
    return Bench(device, stream, index, table, design(device, table, stream), target)


@pytest.mark.parametrize("design", DESIGNS)
def test_a_shipment_is_the_offsets_of_the_rows_in_batch_order(design: type[Staging]) -> None:
    on = bench(design)
    ann, bob = on.index.bind(ANN), on.index.bind(BOB)
    on.staging.write(ann, [[4, 5], [1]])
    on.staging.write(bob, [[7, 8, 9], []])

    on.staging.ship([bob, ann], on.target.view())

    numbers = memoryview(on.shipped(on.target.nbytes)).cast("i").tolist()
    first_pool = [14, 16, 18, 15, 17, 19, 8, 10, -1, 9, 11, -1]
    second_pool = [-1] * 6 + [10, -1, -1, 15, -1, -1]
    assert numbers == first_pool + second_pool
    assert on.end() == ()


@pytest.mark.parametrize("design", DESIGNS)
def test_a_shipment_has_the_rows_of_its_call_whatever_is_written_later(
    design: type[Staging],
) -> None:
    on = bench(design)
    slot = on.index.bind(ANN)
    on.staging.write(slot, [[4], [4]])
    on.staging.ship([slot], on.target.view(0, 48))
    on.staging.write(slot, [[6], [6]])
    on.index.release(ANN)
    on.staging.write(on.index.bind(BOB), [[8], [8]])

    assert on.shipped(48) == SHAPE.offsets([SHAPE.full([[4], [4]])])
    assert on.end() == ()


@pytest.mark.parametrize("design", DESIGNS)
def test_a_reader_bound_once_sees_every_later_row(design: type[Staging]) -> None:
    on = bench(design)
    reader, slot = on.table.reader(), on.index.bind(ANN)
    for page in range(3):
        on.staging.write(slot, [[page], []])
        on.staging.ship([slot], on.target.view(0, 48))
        assert reader.read(slot) == ((page, BAD_PAGE, BAD_PAGE), (BAD_PAGE,) * 3)
    assert on.end() == ()


def test_draft_and_target_tables_share_slots_and_no_rows() -> None:
    on = bench(CopiedStaging)
    draft = PageTable(on.device, TableShape(width=1), on.index, name="draft")
    slot = on.index.bind(ANN)
    draft.write(slot, [[9]])
    on.table.write(slot, [[1], [2]])

    assert (draft.read(slot), on.table.read(slot)) == (((9,),), ((1, -1, -1), (2, -1, -1)))
    draft.close()
    assert on.end() == ()


def test_a_slot_is_free_at_once_and_its_next_owner_has_another_generation() -> None:
    index = IndexMapper(1)
    first = index.bind(ANN)
    index.release(ANN)
    second = index.bind(BOB)

    assert (first.number, second.number) == (0, 0)
    assert (first.generation, second.generation) == (1, 2)
    index.check(second)
    with pytest.raises(StaleSlot, match="no longer request 1's in generation 1"):
        index.check(first)


def test_a_request_that_is_bound_again_does_not_revive_its_old_slot() -> None:
    index = IndexMapper(1)
    first = index.bind(ANN)
    index.release(ANN)
    index.bind(ANN)

    with pytest.raises(StaleSlot):
        index.check(first)


def test_at_most_depth_shipments_are_kept_however_far_the_host_runs_ahead() -> None:
    on = bench(GatheredStaging)
    slot = on.index.bind(ANN)
    assert isinstance(on.staging, GatheredStaging)
    kept = []
    for _ in range(6):
        on.staging.ship([slot], on.target.view(0, 48))
        kept.append(on.staging.pending_count)

    assert kept == [1, 2, 2, 2, 2, 2]
    assert on.end() == ()


def test_memory_is_retired_as_soon_as_the_device_says_that_it_is_done() -> None:
    on = bench(GatheredStaging)
    slot = on.index.bind(ANN)
    assert isinstance(on.staging, GatheredStaging)
    for _ in range(4):
        on.staging.ship([slot], on.target.view(0, 48))
        on.device.synchronize(on.stream)

    assert on.staging.pending_count == 1
    assert on.end() == ()


def _stale(on: Bench) -> None:
    slot = on.index.bind(ANN)
    on.index.release(ANN)
    on.staging.ship([slot], on.target.view(0, 48))


def _twice(on: Bench) -> None:
    on.index.bind(ANN)
    on.index.bind(ANN)


def _too_many(on: Bench) -> None:
    for request in (ANN, BOB, CID):
        on.index.bind(request)


def _closed_table(on: Bench) -> None:
    reader, slot = on.table.reader(), on.index.bind(ANN)
    on.table.close()
    reader.read(slot)


def _closed_staging(on: Bench) -> None:
    on.staging.close()
    on.staging.write(on.index.bind(ANN), [[1], [1]])


REFUSED: tuple[tuple[type[StagingError], str, Callable[[Bench], object]], ...] = (
    (UnknownRequest, "Request 3 has no slot", lambda on: on.index.release(CID)),
    (AlreadyBound, "Request 1 has slot 0 already", _twice),
    (NoFreeSlot, "None of 2 slots is free for request 3", _too_many),
    (StaleSlot, "Slot 0 is no longer request 1's", _stale),
    (SizeError, "A row of 4 pages", lambda on: on.staging.write(on.index.bind(ANN), [[1] * 4, []])),
    (SizeError, "1 rows were given for 2", lambda on: on.staging.write(on.index.bind(ANN), [[1]])),
    (SizeError, "Page -2 of", lambda on: on.staging.write(on.index.bind(ANN), [[1], [-2]])),
    (SizeError, "Page 2147", lambda on: on.staging.write(on.index.bind(ANN), [[2**31 - 1], []])),
    (
        SizeError,
        "1 requests take 48",
        lambda on: on.staging.ship([on.index.bind(ANN)], on.target.view()),
    ),
    (EmptyBatch, "A batch of no requests", lambda on: on.staging.ship([], on.target.view())),
    (Closed, "Table target is closed", _closed_table),
    (Closed, "The staging of table target is closed", _closed_staging),
)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize(("kind", "says", "call"), REFUSED)
def test_a_refusal_has_three_sentences_and_changes_no_row(
    design: type[Staging], kind: type[StagingError], says: str, call: Callable[[Bench], object]
) -> None:
    on = bench(design)
    before = on.device.host_read(on.table.buffer.view())

    with pytest.raises(kind, match=says) as raised:
        call(on)

    error = raised.value
    assert str(error) == f"{error.happened} {error.cause} {error.mend}"
    assert all(part.endswith(".") for part in (error.happened, error.cause, error.mend))
    if not on.table.is_closed:
        assert on.device.host_read(on.table.buffer.view()) == before
    assert on.end() == ()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: IndexMapper(0),
        lambda: TableShape(width=0),
        lambda: TableShape(width=1, pools=()),
        lambda: TableShape(width=1, pools=(PoolScale(0, 0),)),
    ],
)
def test_sizes_of_nothing_are_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(SizeError):
        wrong()


def test_a_depth_of_nothing_is_refused_before_anything_is_allocated() -> None:
    on = bench(CopiedStaging)
    with pytest.raises(SizeError, match="A depth of 0 shipments"):
        GatheredStaging(on.device, on.table, on.stream, depth=0)
    assert on.end() == ()


@pytest.mark.parametrize(
    ("design", "fault"),
    [
        (CopiedStaging, AllocationFault(3)),
        (GatheredStaging, AllocationFault(5)),
        (GatheredStaging, LaunchFault(1)),
    ],
)
def test_a_device_that_refuses_leaves_nothing_allocated(
    design: type[Staging], fault: AllocationFault | LaunchFault
) -> None:
    on = bench(design, SimOptions(faults=(fault,)))
    slot = on.index.bind(ANN)
    on.staging.write(slot, [[4], [4]])

    with pytest.raises(StagingFault):
        on.staging.ship([slot], on.target.view(0, 48))
    on.staging.ship([slot], on.target.view(0, 48))

    assert on.shipped(48) == SHAPE.offsets([SHAPE.full([[4], [4]])])
    assert on.end() == ()


@pytest.mark.parametrize("design", DESIGNS)
def test_a_target_that_was_freed_is_refused_and_leaves_nothing_allocated(
    design: type[Staging],
) -> None:
    on = bench(design)
    slot = on.index.bind(ANN)
    gone = on.device.alloc(48, Space.DEVICE, label="gone")
    on.device.free(gone)

    with pytest.raises(StagingFault, match="The device refused to"):
        on.staging.ship([slot], gone.view())

    assert on.end() == ()


@pytest.mark.parametrize("at", [2, 3])
def test_a_staging_that_finds_no_memory_at_its_start_leaves_none_allocated(at: int) -> None:
    device = SimDevice(HostFirst(), SimOptions(faults=(AllocationFault(at),)))
    table = PageTable(device, SHAPE, IndexMapper(1))

    with pytest.raises(StagingFault, match="The device gave no 16 bytes"):
        GatheredStaging(device, table, device.stream("compute"))

    table.close()
    assert device.close() == ()


@pytest.mark.parametrize("design", DESIGNS)
def test_a_close_that_cannot_wait_leaves_the_staging_open(design: type[Staging]) -> None:
    on = bench(design, SimOptions(faults=(StuckStream("compute", after=1),)))
    slot = on.index.bind(ANN)
    for _ in range(2):
        on.staging.ship([slot], on.target.view(0, 48))

    with pytest.raises(DeviceStuck):
        on.staging.close()

    assert not on.staging.is_closed


@pytest.mark.parametrize("design", DESIGNS)
def test_closing_twice_is_closing_once(design: type[Staging]) -> None:
    on = bench(design)
    on.staging.close()
    on.table.close()
    assert on.end() == ()


def test_a_shipment_whose_event_is_refused_waits_for_its_kernel_and_keeps_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on = bench(GatheredStaging)
    slot = on.index.bind(ANN)

    def refused(event: Event, stream: Stream) -> Mark:
        raise Refused("planted")

    with monkeypatch.context() as patched:
        patched.setattr(on.device, "record", refused)
        with pytest.raises(StagingFault, match="planted"):
            on.staging.ship([slot], on.target.view(0, 48))

    assert isinstance(on.staging, GatheredStaging)
    assert on.staging.pending_count == 0
    assert on.end() == ()


def test_a_wait_for_the_oldest_that_cannot_end_ships_nothing() -> None:
    on = bench(GatheredStaging, SimOptions(faults=(StuckStream("compute", after=1),)))
    slot = on.index.bind(ANN)
    assert isinstance(on.staging, GatheredStaging)
    for _ in range(2):
        on.staging.ship([slot], on.target.view(0, 48))

    with pytest.raises(DeviceStuck):
        on.staging.ship([slot], on.target.view(0, 48))

    assert on.staging.pending_count == 2
