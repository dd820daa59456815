"""Steps of the shared manager are taken in the design `remote`, and wrong ones are refused."""

from __future__ import annotations

import pytest

from kvcheck.lockstep import OnRefusal, Reason, Refused
from kvcheck.lockstep.remote import RemoteJudge
from kvcheck.lockstep.remote_design import remote
from kvcheck.schedule import HostFirst
from kvcheck.verdict import Outcome
from kvimpl.blocks import PoolSettings
from kvimpl.device.sim import SimDevice
from kvimpl.shared import SharedManager, SharedState, SharedStep, steps
from kvimpl.shared.steps import SharedShown
from kvspec.events import BlockId, Key, PinId, RequestId, SlotId

A, B = RequestId(0), RequestId(1)
X, Y = Key(b"x"), Key(b"y")
SETTINGS = PoolSettings(primary_count=2, secondary_count=1, slot_bytes=4, references_max=3)


class Bench:
    "A manager under a judge; `told` may change a step, or what is shown, before it is judged."

    def __init__(self, *, on_refusal: OnRefusal = OnRefusal.KEEP, readers: int = 1) -> None:
        self.judge = RemoteJudge(
            remote(SETTINGS.shape, reader_count=readers), on_refusal=on_refusal
        )
        self.device = SimDevice(HostFirst(), executed=self.judge.executed)
        self.compute = self.device.stream("compute")
        self.manager = SharedManager(
            self.device, SETTINGS, compute=self.compute, reporter=self.judge
        )

    def put(self, request: RequestId, key: Key) -> BlockId:
        block = self.manager.allocate(request)
        self.device.fill(self.manager.view(block), key[0], self.compute)
        self.manager.commit(block, request, key)
        return block.block


class Lying:
    "Passes on what it is told, with one step or one field of what is shown changed."

    def __init__(
        self, judge: RemoteJudge, of: type, instead: SharedStep | None = None, **shown: object
    ) -> None:
        self.judge, self.of, self.instead, self.changes = judge, of, instead, shown

    def report(self, step: SharedStep, shown: SharedShown) -> None:
        if isinstance(step, self.of):
            self.shape, self.state = shown.shape, shown.observe()._replace(**self.changes)  # type: ignore[arg-type]
            self.judge.report(self.instead or step, self)
        else:
            self.judge.report(step, shown)

    def observe(self) -> SharedState:
        return self.state


def test_nothing_told_is_not_run() -> None:
    judge = RemoteJudge(remote(SETTINGS.shape))

    assert judge.verdict().outcome is Outcome.NOT_RUN


def test_a_whole_life_of_a_block_is_followed_and_counted() -> None:
    bench = Bench()
    bench.put(A, X)
    bench.manager.release_request(A)
    bench.put(B, Y)
    bench.put(B, Key(b"z"))
    bench.manager.release_request(B)
    bench.manager.acquire(A, X)
    bench.device.synchronize()

    verdict = bench.judge.verdict()
    assert (verdict.outcome, verdict.bound) == (
        Outcome.HOLDS,
        "P=2, S=1, R=1, REFS=3, 25 steps",
    )
    assert bench.judge.taken["complete"] == 2
    assert bench.judge.taken["scheduler__swapped"] == bench.judge.taken["scheduler__came"] == 1


@pytest.mark.parametrize(
    ("field", "value", "cell"),
    [
        ("refs", (2, 0, 0), "refs[block0]: the implementation has 2, the design 1"),
        ("free_count", (2, 1), "free_count[PRIMARY]: the implementation has 2, the design 1"),
        ("slot", (1, 0, 2), "slot[block0]: the implementation has 1, the design 0"),
    ],
)
def test_a_cell_that_is_not_the_designs_is_refused(field: str, value: object, cell: str) -> None:
    bench = Bench(on_refusal=OnRefusal.RAISE)
    bench.manager.reporter = Lying(bench.judge, steps.Allocated, **{field: value})

    with pytest.raises(Refused) as refused:
        bench.manager.allocate(A)

    assert refused.value.refusal.reason is Reason.SHOWN
    assert cell in str(refused.value)
    assert bench.judge.verdict().outcome is Outcome.VIOLATED


def test_a_pending_write_that_is_not_noted_is_refused() -> None:
    bench = Bench()
    for key in X, Y:
        bench.put(A, key)
    bench.manager.release_request(A)
    bench.manager.reporter = Lying(bench.judge, steps.Swapped, noted=(None, None, None))
    bench.manager.allocate(B)

    assert bench.judge.refusal is not None
    assert [(d.cell, d.shown, d.wanted) for d in bench.judge.refusal.disagreements] == [
        ("noted[slot2]", "False", "True")
    ]


def test_a_slot_that_a_reader_was_told_wrongly_is_refused() -> None:
    bench = Bench()
    block = bench.put(A, X)
    bench.manager.reporter = Lying(
        bench.judge, steps.Pinned, steps.Pinned(PinId(0), block, SlotId(1))
    )
    bench.manager.pin_key(X)

    assert bench.judge.refusal is not None
    assert bench.judge.refusal.reason is Reason.TOLD
    assert [(d.cell, d.shown, d.wanted) for d in bench.judge.refusal.disagreements] == [
        ("Pinned.slot", "1", "0")
    ]


def test_a_copy_between_other_slots_is_refused() -> None:
    bench = Bench()
    for key in X, Y:
        bench.put(A, key)
    bench.manager.release_request(A)
    told = steps.Sent(0, 1, SlotId(0), SlotId(2), "elsewhere")  # type: ignore[arg-type]
    bench.manager.reporter = Lying(bench.judge, steps.Sent, told)
    bench.manager.allocate(B)

    assert bench.judge.refusal is not None
    assert [d.cell for d in bench.judge.refusal.disagreements] == ["Sent.source"]


def test_nothing_is_judged_after_a_refusal() -> None:
    bench = Bench()
    bench.manager.reporter = Lying(bench.judge, steps.Allocated, refs=(0, 0, 0))
    bench.manager.allocate(A)
    first = bench.judge.refusal
    bench.manager.release_request(A)

    assert first is not None
    assert bench.judge.refusal is first
    assert bench.judge.last_good == 0


def more_pins(bench: Bench) -> None:
    bench.put(A, X)
    bench.manager.pin_key(X)
    bench.manager.pin_key(X)


def two_tables(bench: Bench) -> None:
    bench.put(A, X)
    bench.manager.acquire(B, X)


def a_pin_of_what_is_not_cached(bench: Bench) -> None:
    bench.manager.pin(bench.manager.allocate(A))


def a_pin_given_back_unread(bench: Bench) -> None:
    bench.put(A, X)
    bench.manager.release_request(A)
    bench.put(B, Y)
    bench.put(B, Key(b"z"))
    receipt = bench.manager.pin_key(X)
    assert receipt is not None
    bench.manager.unpin(receipt)


@pytest.mark.parametrize(
    ("program", "why"),
    [
        (more_pins, "more than 1 pins are out at once"),
        (two_tables, "two requests that hold one block: the design has one table"),
        (a_pin_of_what_is_not_cached, "a pin of a block that is held and not cached"),
        (a_pin_given_back_unread, "a pin that is given back unread, before its slot is written"),
    ],
)
def test_what_the_design_has_no_word_for_is_inconclusive(program, why: str) -> None:
    bench = Bench()
    program(bench)

    verdict = bench.judge.verdict()
    assert (verdict.outcome, verdict.reason) == (Outcome.INCONCLUSIVE, why)
