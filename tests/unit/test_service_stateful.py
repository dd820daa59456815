"""The desk under drawn requests of several clients: messages lost, doubled, overtaken, late.

Beside it stands what must be so: which leases are out, whose, of which block, until when.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from service_bench import CONTENT, Bench

from kvimpl.blocks import BlockError, BlockHandle
from kvimpl.blocks.errors import NoFreeBlock
from kvimpl.service import Desk
from kvimpl.service.messages import (
    ANSWERS,
    Absent,
    Answer,
    Content,
    Done,
    Pin,
    Pinned,
    Read,
    Refused,
    Renew,
    Request,
    Unpin,
    packed,
)
from kvspec.events import RequestId

LEASE_SECONDS, LEASES_MAX = 10.0, 4
CLIENTS = st.sampled_from(["a", "b", "c"])
KEYS = st.sampled_from([*CONTENT, b"other"])
LEASES = st.integers(min_value=-1, max_value=12)
SCHEDULER = RequestId(9)


@dataclass
class Lent:
    """A lease that must be out."""

    client: str
    key: bytes
    slot: int
    ends: float


@dataclass
class Sent:
    """A client's last request and what it was answered."""

    number: int
    request: Request | None = None
    answer: bytes = b""
    older: list[Request] = field(default_factory=list)


class DeskMachine(RuleBasedStateMachine):
    """Whatever arrives, leases are as they must be and no block is lost or freed early."""

    desk_class: type[Desk] = Desk

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(
            lease_seconds=LEASE_SECONDS, leases_max=LEASES_MAX, desk_class=self.desk_class
        )
        self.lent: dict[int, Lent] = {}
        self.lease_count = 0
        self.sent = {name: Sent(0) for name in "abc"}
        self.taken: list[BlockHandle] = []

    # ---- what arrives

    @rule(client=CLIENTS, key=KEYS)
    def pin(self, client: str, key: bytes) -> None:
        """A key's block is lent if there is one, and while leases are left."""
        answer = self.ask(Pin(client, self.next_number(client), key))
        if len(self.lent) >= LEASES_MAX:
            assert "4 leases are out" in refused(answer)
        elif isinstance(answer, Absent):
            assert key not in {lent.key for lent in self.lent.values()}, "what is pinned stays"
        else:
            assert isinstance(answer, Pinned)
            assert key in CONTENT
            assert answer.lease == self.lease_count, "no number is given twice"
            assert {lent.slot for lent in self.lent.values() if lent.key == key} <= {answer.slot}
            self.lease_count += 1
            ends = self.bench.clock.now + LEASE_SECONDS
            self.lent[answer.lease] = Lent(client, key, answer.slot, ends)

    @rule(client=CLIENTS, lease=LEASES)
    def read(self, client: str, lease: int) -> None:
        """Who has the lease reads the key's content."""
        answer = self.ask(Read(client, self.next_number(client), lease))
        if self.has(client, lease):
            assert answer == Content(CONTENT[self.lent[lease].key])
        else:
            assert f"{client} has no lease {lease}" in refused(answer)

    @rule(client=CLIENTS, lease=LEASES)
    def renew(self, client: str, lease: int) -> None:
        """Who has the lease has it for longer."""
        answer = self.ask(Renew(client, self.next_number(client), lease))
        if self.has(client, lease):
            assert answer == Done()
            self.lent[lease].ends = self.bench.clock.now + LEASE_SECONDS
        else:
            refused(answer)

    @rule(client=CLIENTS, lease=LEASES)
    def unpin(self, client: str, lease: int) -> None:
        """Who has the lease gives it back, once."""
        answer = self.ask(Unpin(client, self.next_number(client), lease))
        if self.has(client, lease):
            assert answer == Done()
            del self.lent[lease]
        else:
            refused(answer)

    @rule(client=CLIENTS)
    def arrive_twice(self, client: str) -> None:
        """The last request again is answered as it was, and not done."""
        sent = self.sent[client]
        if sent.request is not None:
            self.expire()
            assert self.bench.desk.answer(packed(sent.request)) == sent.answer

    @rule(client=CLIENTS, draw=st.randoms(use_true_random=False))
    def arrive_late(self, client: str, draw: object) -> None:
        """A request that a later one has overtaken is not done."""
        sent = self.sent[client]
        if sent.older:
            self.expire()
            late = sent.older[draw.randrange(len(sent.older))]  # type: ignore[attr-defined]
            assert "overtaken" in refused(ANSWERS.decode(self.bench.desk.answer(packed(late))))

    @rule(client=CLIENTS)
    def be_lost(self, client: str) -> None:
        """A request that never comes leaves a gap in the numbers, and nothing else."""
        self.next_number(client)

    @rule(raw=st.binary(max_size=40))
    def be_nonsense(self, raw: bytes) -> None:
        """What is no request is refused."""
        self.expire()
        refused(ANSWERS.decode(self.bench.desk.answer(raw)))

    # ---- what else happens

    @rule(seconds=st.sampled_from([1.0, 5.5, 9.5, 10.0]))
    def wait(self, seconds: float) -> None:
        """Time passes; the service looks."""
        self.bench.clock.now += seconds
        over = self.expire()
        assert self.bench.desk.expire() == over

    @rule()
    def wait_unseen(self) -> None:
        """Time passes and nobody looks."""
        self.bench.clock.now += 4.0

    @rule()
    def schedule(self) -> None:
        """The scheduler takes a block, which is none that somebody has pinned."""
        self.bench.manager.begin_step()
        try:
            self.taken.append(self.bench.manager.allocate(SCHEDULER))
        except NoFreeBlock:
            pass
        else:
            slots = {lent.slot for lent in self.lent.values()}
            assert self.bench.manager.slot_of(self.taken[-1]) not in slots
        self.bench.manager.end_step()

    @precondition(lambda self: self.taken)
    @rule()
    def unschedule(self) -> None:
        """The scheduler gives a block back."""
        self.bench.manager.release(self.taken.pop(), SCHEDULER)

    # ---- what is always so

    @invariant()
    def nothing_leaks_and_nothing_is_free_early(self) -> None:
        """Free are the blocks that neither a lease nor the scheduler has."""
        assert self.bench.desk.lease_count == len(self.lent)
        pinned = {lent.slot for lent in self.lent.values()}
        assert self.bench.free() == 3 - len(pinned) - len(self.taken)

    def teardown(self) -> None:
        """Stopping lets go of what is out, and no more."""
        assert self.bench.desk.close() == len(self.lent)
        while self.taken:
            self.unschedule()
        assert self.bench.free() == 3
        self.bench.manager.close()

    # ---- by hand

    def ask(self, request: Request) -> Answer:
        """Send it, and remember it as the client's last."""
        self.expire()
        raw = self.bench.desk.answer(packed(request))
        sent = self.sent[request.client]
        if sent.request is not None:
            sent.older.append(sent.request)
        sent.request, sent.answer = request, raw
        answer: Answer = ANSWERS.decode(raw)
        return answer

    def expire(self) -> int:
        """What must be over by now is over."""
        over = [n for n, lent in self.lent.items() if lent.ends <= self.bench.clock.now]
        for number in over:
            del self.lent[number]
        return len(over)

    def has(self, client: str, lease: int) -> bool:
        """Whether it is the client's."""
        return lease in self.lent and self.lent[lease].client == client

    def next_number(self, client: str) -> int:
        """The client's next request's."""
        self.sent[client].number += 1
        return self.sent[client].number


def refused(answer: Answer) -> str:
    """Why; three sentences."""
    assert isinstance(answer, Refused), answer
    assert answer.why.count(". ") >= 2
    return answer.why


DeskMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestDesk = DeskMachine.TestCase


class LeakingDesk(Desk):
    def _let_go(self, number: int) -> None:
        del self._leases[number]


class EarlyDesk(Desk):
    def expire(self) -> int:
        self._clock, clock = (lambda: clock() + 1.0), self._clock
        try:
            return super().expire()
        finally:
            self._clock = clock


class SleepingDesk(Desk):
    def expire(self) -> int:
        return 0


class OpenDesk(Desk):
    def _done(self, request: Request) -> Answer:
        if not isinstance(request, Pin) and request.lease in self._leases:
            self._leases[request.lease].client = request.client
        return super()._done(request)


class ForgetfulDesk(Desk):
    def answer(self, raw: bytes) -> bytes:
        self._last.clear()
        return super().answer(raw)


class LooseDesk(Desk):
    def _pin(self, request: Pin) -> Answer:
        answer = super()._pin(request)
        if isinstance(answer, Pinned):
            self._manager.unpin(self._leases[answer.lease].receipt)
        return answer


@pytest.mark.parametrize(
    "wrong", [LeakingDesk, EarlyDesk, SleepingDesk, OpenDesk, ForgetfulDesk, LooseDesk]
)
def test_a_wrong_desk_is_seen(wrong: type[Desk]) -> None:
    machine = type("WrongDesk", (DeskMachine,), {"desk_class": wrong})
    once = settings(DeskMachine.TestCase.settings, phases=[Phase.generate], derandomize=True)
    with pytest.raises((AssertionError, BlockError)):
        run_state_machine_as_test(machine, settings=once)
