"""The manager's own interface, drawn by Hypothesis call by call, each step judged by its design.

The long campaign is `kvcheck.fuzz`'s; this is the short one of every test run, on one task and on
the order without choice, whose failing run Hypothesis makes small by itself.
"""

from __future__ import annotations

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from kvcheck.fuzz.designs import ground_of
from kvcheck.fuzz.hands import key_of
from kvcheck.fuzz.runner import Builder, builder_of
from kvcheck.lockstep import Judge, Refused
from kvcheck.schedule import HostFirst
from kvcheck.verdict import Outcome
from kvimpl.blocks import BlockHandle, Miss, PinReceipt, PoolSettings, Stored
from kvimpl.blocks.errors import AlreadyHeld, CopyInFlight, LimitReached, NoFreeBlock, NotHeld
from kvimpl.device.sim import SimDevice
from kvspec.events import Detail, RequestId

REQUESTS = st.integers(0, 1).map(RequestId)
KEYS = st.integers(0, 1)
PLACES = st.integers(0, 1)
LIVES = settings(
    max_examples=200, stateful_step_count=50, derandomize=True, database=None, deadline=None
)
UNSHRUNK = settings(LIVES, phases=[Phase.generate])
"""For a run that must fail: where it fails is enough."""
POOL = PoolSettings(primary_count=2, secondary_count=1, slot_bytes=64)


class Life(RuleBasedStateMachine):
    """A scheduler's life: it keeps its own tables, and ends with every block free."""

    build: Builder

    def __init__(self) -> None:
        super().__init__()
        self.judge = Judge(ground_of(POOL.shape, 4).design, detail=Detail.PARTS)
        self.device = SimDevice(HostFirst())
        self.compute = self.device.stream("compute")
        self.manager = type(self).build(
            self.device, POOL, compute=self.compute, clock=lambda: 0.0, reporter=self.judge
        )
        self.tables: dict[RequestId, list[BlockHandle]] = {}
        self.cached: set[BlockHandle] = set()
        self.receipts: list[PinReceipt] = []

    @rule(wishes=st.lists(st.tuples(REQUESTS, st.none() | KEYS), min_size=1, max_size=3))
    def step(self, wishes: list[tuple[RequestId, int | None]]) -> None:
        """A request wants the block of a key, or a new one."""
        self.manager.begin_step()
        for request, key in wishes:
            if key is None:
                self.allocate(request)
            else:
                self.acquire(request, key)
        self.manager.end_step()

    def allocate(self, request: RequestId) -> None:
        try:
            self.tables.setdefault(request, []).append(self.manager.allocate(request))
        except NoFreeBlock:
            assert any(self.tables.values()) or self.receipts

    def acquire(self, request: RequestId, key: int) -> None:
        try:
            got = self.manager.acquire(request, key_of(key))
        except AlreadyHeld:
            return
        if not isinstance(got, Miss):
            self.tables.setdefault(request, []).append(got)
            self.cached.add(got)

    @rule(request=REQUESTS, place=PLACES, key=KEYS)
    def fill_and_commit(self, request: RequestId, place: int, key: int) -> None:
        block = self.block(request, place)
        if block is None or block in self.cached:
            return
        self.device.fill(self.manager.view(block), 1 + key, self.compute)
        try:
            if self.manager.commit(block, request, key_of(key)) is Stored.STORED:
                self.cached.add(block)
        except CopyInFlight:
            return

    @rule(request=REQUESTS, place=PLACES)
    def release_and_release_again(self, request: RequestId, place: int) -> None:
        block = self.block(request, place)
        if block is None:
            return
        self.manager.release(block, request)
        self.tables[request].remove(block)
        with pytest.raises(NotHeld):
            self.manager.release(block, request)

    @rule(request=REQUESTS)
    def release_request(self, request: RequestId) -> None:
        assert self.manager.release_request(request) == len(self.tables.pop(request, []))

    @rule(key=KEYS)
    def pin_key(self, key: int) -> None:
        try:
            receipt = self.manager.pin_key(key_of(key))
        except LimitReached:
            return
        if receipt is not None:
            self.receipts.append(receipt)

    @rule(place=PLACES)
    def unpin(self, place: int) -> None:
        if place < len(self.receipts):
            self.manager.unpin(self.receipts.pop(place))

    @rule()
    def poll(self) -> None:
        self.manager.poll()

    def teardown(self) -> None:
        """Let go of everything, look at what is left, and leave the device."""
        try:
            if self.judge.refusal is None:
                self.end()
        finally:
            self.device.abandon()

    def end(self) -> None:
        for receipt in self.receipts:
            self.manager.unpin(receipt)
        for request in self.tables:
            self.manager.release_request(request)
        assert self.device.quiesce() == ()
        self.manager.poll()
        seen = self.manager.observe()
        assert seen.free is not None
        queued = sorted(b for level in seen.free for queue in level for b in queue)
        assert queued == list(range(POOL.shape.block_count))
        if self.judge.step_count:
            assert self.judge.verdict().outcome is Outcome.HOLDS

    def block(self, request: RequestId, place: int) -> BlockHandle | None:
        table = self.tables.get(request, [])
        return table[place] if place < len(table) else None


def a_life_of(manager: str) -> type[Life]:
    return type("ALife", (Life,), {"build": staticmethod(builder_of(manager))})


def test_the_right_manager_lives_under_its_design() -> None:
    run_state_machine_as_test(a_life_of("blocks"), settings=LIVES)


@pytest.mark.parametrize("manager", ["s1-5", "inv-07-half-swap"])
def test_a_wrong_manager_is_refused(manager: str) -> None:
    with pytest.raises(Refused):
        run_state_machine_as_test(a_life_of(manager), settings=UNSHRUNK)
