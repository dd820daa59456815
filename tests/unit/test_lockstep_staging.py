"""The right stagings keep to their designs at every step; the wrong ones are refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import get_args

import pytest

import kvspec.staging_events as events
from kvcheck.fuzz import staging_lockstep
from kvcheck.fuzz.staging import RIGHT, SHAPE, SLOT_COUNT, Kind, Scheduler, drawn
from kvcheck.fuzz.staging_lockstep import design_of, every_step, refused_at, stepped
from kvcheck.lockstep import (
    OnRefusal,
    Reason,
    Refused,
    ShipmentWatch,
    StagedJudge,
    staging_v1,
    staging_v2,
    text_of,
)
from kvcheck.lockstep.staged import ROWS_KEPT
from kvcheck.lockstep.staged_judge import ASKED, SENT
from kvcheck.schedule import Budget, Eager, HostFirst, Random, Reach
from kvcheck.verdict import Outcome
from kvimpl.bugs.staging import STAGING_BUGS, Shows
from kvimpl.device.kernels import GATHER_BLOCK_OFFSETS
from kvimpl.device.port import Buffer, Bytes, Device, Kernel, Mode, Space, Stream, View
from kvimpl.device.port.steps import Schedule
from kvimpl.device.sim import PinnedAllocator, SimDevice, SimOptions, run
from kvimpl.staging import (
    CopiedStaging,
    GatheredStaging,
    IndexMapper,
    Inputs,
    PageTable,
    Slot,
    Staging,
    StagingFault,
    TableReader,
)
from kvspec.events import RequestId
from kvspec.staging_events import MemoryId, Observation

CASE = drawn(1, 4)
SEEDS = 80
ORDERS = Budget(runs=2_000)
ACTIONS = {
    "copied": {"write_row", "ask", "stage", "give_up", "observe", "finish"},
    "gathered": {"bind", "write_row", "end_request", "launch", "retire", "observe", "finish"},
}


# ---- the vocabulary


def test_the_table_of_events_names_every_event_and_an_action_of_a_design() -> None:
    rows = re.findall(r"^\| (\w+) +\| the \w+ +\| (.+?) +\|$", events.__doc__ or "", re.M)
    union = {one.__name__: one for one in (*get_args(events.Told), *get_args(events.Seen))}
    actions = {name for kind in (False, True) for name in design_of(kind, 2).actions}

    assert {name for name, _ in rows} == set(union)
    for name, told in rows:
        action = getattr(union[name], "action", None)
        assert told == "the initial state" if action is None else f"{action}(" in told
        assert action is None or action in actions


# ---- the right ones


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("order", [HostFirst(), Eager()], ids=["late", "prompt"])
def test_a_right_staging_takes_every_step_of_its_design(name: str, order: Schedule) -> None:
    judge = stepped(RIGHT[name], CASE, order)

    verdict = judge.verdict()
    assert verdict.outcome is Outcome.HOLDS
    assert verdict.bound.endswith("4 shipments read"), "nothing is a blind spot"
    assert set(judge.taken) == ACTIONS[name]
    assert judge.last_good == judge.number


@pytest.mark.parametrize("kind", RIGHT.values(), ids=RIGHT)
def test_the_right_stagings_are_good_over_many_random_schedules(kind: Kind) -> None:
    for seed in range(SEEDS):
        judge = stepped(kind, drawn(seed, depth=1 + seed % 4), Random(seed))
        assert judge.verdict().outcome is Outcome.HOLDS, (seed, judge.verdict())


@pytest.mark.parametrize(
    ("name", "depth", "iterations", "run_count"),
    [("copied", 2, 3, 10), ("copied", 2, 4, 20), ("gathered", 1, 4, 16), ("gathered", 2, 4, 20)],
)
def test_the_right_stagings_are_good_under_every_order(
    name: str, depth: int, iterations: int, run_count: int
) -> None:
    explored = every_step(RIGHT[name], drawn(1, iterations, depth=depth), ORDERS)

    assert (explored.reach, set(explored.outcomes)) == (Reach.EXHAUSTED, {""})
    assert explored.runs == run_count


# ---- the known bugs


@pytest.mark.parametrize("name", STAGING_BUGS)
def test_a_known_bug_is_refused_at_its_step_and_nowhere_else(name: str) -> None:
    bug = STAGING_BUGS[name]
    explored = every_step(bug, drawn(1, 3), ORDERS)

    hides = {""} if bug.shows is Shows.LATE_DEVICE else set()
    assert explored.reach is Reach.EXHAUSTED
    assert set(explored.outcomes) == {bug.refused_at} | hides


REFUSALS = {
    "s5-1": (Reason.DISABLED, "the buffer can be handed out", ""),
    "s5-2-unrecorded": (Reason.SHOWN, "", "noted[memory"),
    "s5-3": (Reason.SHOWN, "", "table[at]"),
    "s5-4": (Reason.DISABLED, "its event has fired", ""),
    "s5-5-rows": (Reason.DEVICE, "the rows have memory of their own, not the table's", ""),
    "s5-5-index": (Reason.SHOWN, "", "to_read[shipment1]"),
    "s5-5-rebound": (Reason.DEVICE, "the rows have memory of their own, not the table's", ""),
    "s5-5-unclaimed": (Reason.SHOWN, "", "free[slots]"),
    "s5-5-unreleased": (Reason.SHOWN, "", "free[slots]"),
    "s5-6-hoards": (Reason.DISABLED, "what the host saw complete is retired", ""),
    "s5-7-early-event": (Reason.SHOWN, "", "marks[shipment0]"),
    "s5-7-unqueried": (Reason.DISABLED, "its event has fired", ""),
    "s5-7-wrong-stream": (Reason.SHOWN, "", "marks[shipment0]"),
}


@pytest.mark.parametrize("name", STAGING_BUGS)
def test_a_refusal_says_which_condition_or_cell_and_what_is_allowed(name: str) -> None:
    refusal = stepped(STAGING_BUGS[name], CASE, HostFirst()).refusal

    assert refusal is not None
    reason, label, cell = REFUSALS[name]
    assert refusal.reason is reason
    assert label == ("" if refusal.conjunct is None else refusal.conjunct.label)
    assert ("" if not refusal.disagreements else refusal.disagreements[0].cell).startswith(cell)
    assert refusal.last_good == refusal.number - 1
    actions = design_of(STAGING_BUGS[name].is_gathered, 2).actions
    assert {near.action for near in refusal.frontier} == set(actions)
    assert refusal.reported_at is not None
    assert "kvimpl/staging/" in refusal.reported_at.file


@pytest.mark.parametrize("name", ["s5-4", "s5-7-unqueried"])
def test_what_is_done_and_was_not_asked_about_is_refused_too(name: str) -> None:
    refusal = stepped(STAGING_BUGS[name], CASE, Eager()).refusal

    assert refusal is not None
    assert refusal.reason is Reason.DEVICE
    assert refusal.conjunct is not None
    assert refusal.conjunct.label == ASKED


def test_a_replaced_table_is_told_by_its_place_and_by_its_reader() -> None:
    refusal = stepped(STAGING_BUGS["s5-3"], CASE, HostFirst()).refusal
    assert refusal is not None
    assert [wrong.field for wrong in refusal.disagreements] == ["table", "readers"]


def test_a_refusal_reads_as_the_block_manager_s_do() -> None:
    refusal = stepped(STAGING_BUGS["s5-1"], CASE, HostFirst()).refusal
    assert refusal is not None
    text = text_of(refusal)

    assert text.startswith("Event 12, Stage(shipment=1, slots=(0, 1), source=2, stream='compute')")
    assert "wanted: stage(shipment1, cache0, slot0, memory2, MAIN)" in text
    assert "false: the buffer can be handed out" in text
    assert "staging_v1.py" in text
    assert "allows give_up(memory2), " in text
    assert "forbids observe(): it is complete" in text


# ---- one plant for each thing that is compared


@dataclass(frozen=True)
class Planted:
    """A staging with a part replaced."""

    is_gathered: bool
    staging: type[Staging]
    index: type[IndexMapper] = IndexMapper

    def build(self, device: Device, table: PageTable, stream: Stream, *, depth: int) -> Staging:
        if issubclass(self.staging, GatheredStaging):
            return self.staging(device, table, stream, depth=depth)
        return self.staging(device, table, stream)


class Elsewhere(CopiedStaging):
    """It ships in another stream than it says."""

    def _copy(self, target: View, source: View) -> None:
        own, self.stream = self.stream, self.device.legacy
        super()._copy(target, source)
        self.stream = own


class OtherSlot(IndexMapper):
    """It shows other owners than it told."""

    def observe(self) -> Observation:
        seen = super().observe()
        return seen._replace(bound=frozenset((r, SLOT_COUNT - s - 1) for r, s in seen.bound or ()))


class Backwards(GatheredStaging):
    """It keeps the newest first."""

    def observe(self) -> Observation:
        seen = super().observe()
        return seen._replace(kept=(seen.kept or ())[::-1])


class OtherMemory(GatheredStaging):
    """It tells of memory that the kernel is not given."""

    def _inputs(self, slots: Sequence[Slot]) -> Inputs:
        self.real = super()._inputs(slots)
        other = self._fresh(bytes(64), "other")
        owned = (*self.real.owned, other)
        return Inputs(other.view(), self.real.index, self.real.row_count, owned)

    def _gather(self, inputs: Inputs, count: int, target: View) -> None:
        super()._gather(replace(inputs, rows=self.real.rows), count, target)


class OtherRow(GatheredStaging):
    """Its kernel takes each row from the wrong end of the snapshot."""

    def _gather(self, inputs: Inputs, count: int, target: View) -> None:
        device = self.device

        def launch(kernel, arguments, stream, *, grid=None):  # type: ignore[no-untyped-def]
            wrong = replace(kernel, body=_from_the_end)
            return device.launch(wrong, arguments, stream, grid=grid)

        self.device = _With(device, launch)  # type: ignore[assignment]
        super()._gather(inputs, count, target)
        self.device = device


class _With:
    """A device with another launch."""

    def __init__(self, device: Device, launch: Callable[..., object]) -> None:
        self._device, self.launch = device, launch

    def __getattr__(self, name: str) -> object:
        return getattr(self._device, name)


class _Flipped:
    """Bytes that are read from their end."""

    def __init__(self, inner: Bytes) -> None:
        self._inner, self.nbytes = inner, inner.nbytes

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        end = self.nbytes if stop is None else stop
        return self._inner.read(self.nbytes - end, self.nbytes - start)

    def write(self, data: bytes, start: int = 0) -> None:
        self._inner.write(data, start)


def _from_the_end(given: Sequence[Bytes | int]) -> None:
    assert not isinstance(given[1], int)
    GATHER_BLOCK_OFFSETS.kernel.body([given[0], _Flipped(given[1]), *given[2:]])


class OtherReader(CopiedStaging):
    """Its table's readers are given memory of their own."""

    def __init__(self, device: Device, table: PageTable, stream: Stream) -> None:
        super().__init__(device, table, stream)
        self._spare = device.alloc(table.buffer.nbytes, Space.PINNED, label="spare")
        device.host_write(self._spare.view(), b"\xff" * self._spare.nbytes)
        own = table.reader

        def reader() -> TableReader:
            kept, table.buffer = table.buffer, self._spare
            try:
                return own()
            finally:
                table.buffer = kept

        table.reader = reader  # type: ignore[method-assign]

    def observe(self) -> Observation:
        return super().observe()._replace(table=MemoryId(self.table.buffer.memory))

    def _give_back(self) -> None:
        self.device.free(self._spare)


class OtherColumn(CopiedStaging):
    """It writes every row once more, into the slot beside, and tells nobody."""

    def write(self, slot: Slot, rows: Sequence[Sequence[int]]) -> None:
        whole = self.table.buffer.view()
        self.device.host_write(whole, bytes(whole.nbytes))
        super().write(slot, rows)


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (Planted(False, Elsewhere), "queued"),
        (Planted(False, OtherColumn), "rows"),
        (Planted(False, OtherReader), "table"),
        (Planted(True, GatheredStaging, OtherSlot), "bound"),
        (Planted(True, Backwards), "kept"),
    ],
    ids=["queued", "rows", "table", "bound", "kept"],
)
def test_each_thing_that_is_shown_is_compared(kind: Kind, field: str) -> None:
    refusal = stepped(kind, CASE, HostFirst()).refusal

    assert refusal is not None
    assert refusal.reason is Reason.SHOWN
    assert refusal.disagreements[0].field == field


def test_a_kernel_that_reads_another_row_is_refused_by_what_it_read() -> None:
    for order in (HostFirst(), Eager()):
        refusal = stepped(Planted(True, OtherRow), CASE, order).refusal
        assert refusal is not None
        assert refusal.reason is Reason.DEVICE
        (wrong,) = refusal.disagreements
        assert wrong.cell == "read[shipment0]"
        assert wrong.shown != wrong.wanted


def test_a_shipment_that_is_told_must_be_the_one_that_was_sent() -> None:
    refusal = stepped(Planted(True, OtherMemory), CASE, HostFirst()).refusal

    assert refusal is not None
    assert refusal.conjunct is not None
    assert refusal.conjunct.label == SENT


def test_an_allocator_that_notes_no_copy_makes_the_right_staging_wrong() -> None:
    watch = ShipmentWatch(SHAPE)
    judge = StagedJudge(design_of(False, 2), watch, on_refusal=OnRefusal.KEEP)
    run(
        lambda device: Scheduler(
            watch.over(device), RIGHT["copied"], CASE, [], reporter=judge
        ).run(),
        HostFirst(),
        SimOptions(pinned=PinnedAllocator.CUPY),
        executed=watch.executed,
    )
    assert judge.refusal is not None
    assert judge.refusal.disagreements[0].field == "noted"


# ---- as a caller has it


def bench(
    judge: StagedJudge, *, is_gathered: bool = True
) -> tuple[SimDevice, Staging, Buffer, Slot]:
    device = SimDevice(HostFirst(), executed=judge.watch.executed)
    watched = judge.watch.over(device)
    index = IndexMapper(SLOT_COUNT, reporter=judge)
    table = PageTable(watched, SHAPE, index, reporter=judge)
    kind = RIGHT["gathered" if is_gathered else "copied"]
    staging = kind.build(watched, table, device.stream("compute"), depth=2)
    target = watched.alloc(SHAPE.shipped_bytes(1), Space.DEVICE, label="target")
    return device, staging, target, index.bind(RequestId(7))


def test_a_refusal_stops_the_staging_where_it_stands() -> None:
    judge = StagedJudge(design_of(True, 2), ShipmentWatch(SHAPE))
    device, staging, target, slot = bench(judge)
    assert isinstance(staging, GatheredStaging)
    staging.ship([slot], target.view())

    with pytest.raises(Refused, match="its event has fired"):
        staging._free_oldest()

    assert judge.verdict().outcome is Outcome.VIOLATED
    assert judge.verdict().reason == "event 4: the design does not allow this step here"
    device.abandon()


@pytest.mark.parametrize("is_gathered", [False, True], ids=["copied", "gathered"])
def test_a_shipment_that_the_device_refused_is_no_step(is_gathered: bool) -> None:
    judge = StagedJudge(design_of(is_gathered, 2), ShipmentWatch(SHAPE))
    device, staging, target, slot = bench(judge, is_gathered=is_gathered)
    gone = staging.device.alloc(target.nbytes, Space.DEVICE, label="gone")
    staging.device.free(gone)
    for _ in range(2):
        staging.ship([slot], target.view())
        with pytest.raises(StagingFault):
            staging.ship([slot], gone.view())
    staging.close()

    assert judge.verdict().outcome is Outcome.HOLDS
    assert judge.taken["finish"] == 2
    device.abandon()


def test_the_programs_own_kernels_are_no_shipments() -> None:
    judge = StagedJudge(design_of(True, 2), ShipmentWatch(SHAPE))
    device, staging, target, slot = bench(judge)
    idle = Kernel("idle", (Mode.READ,), lambda _: None)
    for _ in range(3):
        staging.ship([slot], target.view())
        staging.device.launch(idle, (target.view(),), staging.stream)
        staging.device.copy(target.view(), target.view(), staging.stream)
    staging.close()

    assert judge.verdict().outcome is Outcome.HOLDS
    assert judge.taken["finish"] == 3
    device.abandon()


def test_a_run_of_any_length_needs_a_small_instance_and_little_memory() -> None:
    judge = StagedJudge(staging_v2(slots=2, depth=2), ShipmentWatch(SHAPE))
    device, staging, target, slot = bench(judge)
    for number in range(1_200):
        staging.write(slot, [[number]])
        staging.ship([slot], target.view())
    staging.close()

    assert judge.verdict().outcome is Outcome.HOLDS
    assert judge.taken["finish"] == judge.taken["retire"] == 1_200
    assert (len(judge.watch.sent), len(judge.names.shipment_of)) == (0, 0)
    assert len(judge.names.rows) <= ROWS_KEPT + 1
    device.abandon()


def test_what_the_instance_has_no_number_for_is_not_judged() -> None:
    judge = StagedJudge(staging_v1(slots=2, depth=2, readers=1), ShipmentWatch(SHAPE))
    device, staging, _, _ = bench(judge)
    for _ in range(2):
        staging.table.reader()

    assert judge.verdict().outcome is Outcome.INCONCLUSIVE
    assert judge.verdict().reason == "more than 1 readers were made"
    device.abandon()


def test_a_judge_that_was_told_nothing_has_not_run() -> None:
    judge = StagedJudge(design_of(True, 2), ShipmentWatch(SHAPE))
    assert judge.verdict().outcome is Outcome.NOT_RUN


class Secretive(GatheredStaging):
    """It does not show what it keeps."""

    def observe(self) -> Observation:
        return super().observe()._replace(kept=None)


def test_what_is_never_shown_is_a_blind_spot_of_the_verdict() -> None:
    blind = stepped(Planted(True, Secretive), CASE, HostFirst()).verdict()
    assert blind.outcome is Outcome.HOLDS
    assert blind.bound.endswith("4 shipments read, blind to kept, marks")


def test_a_fault_of_the_judge_is_not_taken_for_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(judge: StagedJudge, *_: object) -> None:
        raise IndexError("planted")

    monkeypatch.setattr(staging_lockstep.StagedJudge, "_compare", broken)
    with pytest.raises(IndexError, match="planted"):
        refused_at(stepped(RIGHT["gathered"], CASE, HostFirst()))
