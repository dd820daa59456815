"""The desk: leases, their time, and every way in which a request can be wrong."""

from __future__ import annotations

import pytest
from service_bench import CONTENT, Bench

from kvimpl.service.messages import (
    ANSWERS,
    BYTES_MAX,
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


@pytest.fixture
def bench() -> Bench:
    return Bench()


def ask(bench: Bench, request: Request) -> Answer:
    return ANSWERS.decode(bench.desk.answer(packed(request)))


def pinned(bench: Bench, client: str = "a", number: int = 1, key: bytes = b"k0") -> Pinned:
    answer = ask(bench, Pin(client, number, key))
    assert isinstance(answer, Pinned)
    return answer


def refused(answer: Answer) -> str:
    assert isinstance(answer, Refused)
    assert answer.why.count(". ") >= 2, "three sentences"
    return answer.why


def test_a_block_is_pinned_read_and_let_go(bench: Bench) -> None:
    lease = pinned(bench)
    assert bench.free() == 2
    assert ask(bench, Read("a", 2, lease.lease)) == Content(CONTENT[b"k0"])
    assert ask(bench, Unpin("a", 3, lease.lease)) == Done()
    assert (bench.free(), bench.desk.lease_count) == (3, 0)


def test_a_key_that_no_block_has_is_absent(bench: Bench) -> None:
    assert ask(bench, Pin("a", 1, b"other")) == Absent()
    assert bench.free() == 3


def test_a_pinned_block_is_not_handed_out(bench: Bench) -> None:
    pinned(bench)
    bench.manager.begin_step()
    taken = bench.manager.allocate(RequestId(7))
    assert taken is not None
    assert ask(bench, Read("a", 2, 0)) == Content(CONTENT[b"k0"])


def test_a_lease_ends_when_its_time_is_over_and_not_before(bench: Bench) -> None:
    lease = pinned(bench)
    bench.clock.now = 9.9
    assert bench.desk.expire() == 0
    bench.clock.now = 10.0
    assert "has no lease" in refused(ask(bench, Read("a", 2, lease.lease)))
    assert bench.free() == 3


def test_a_renewed_lease_lasts_from_its_renewal(bench: Bench) -> None:
    lease = pinned(bench)
    bench.clock.now = 6.0
    assert ask(bench, Renew("a", 2, lease.lease)) == Done()
    bench.clock.now = 15.9
    assert isinstance(ask(bench, Read("a", 3, lease.lease)), Content)
    bench.clock.now = 16.0
    assert bench.desk.expire() == 1


@pytest.mark.parametrize("kind", [Read, Renew, Unpin])
def test_a_lease_is_its_client_s_alone(bench: Bench, kind: type) -> None:
    lease = pinned(bench)
    assert "b has no lease 0" in refused(ask(bench, kind("b", 1, lease.lease)))
    assert bench.desk.lease_count == 1


def test_what_was_let_go_cannot_be_let_go_again(bench: Bench) -> None:
    lease = pinned(bench)
    ask(bench, Unpin("a", 2, lease.lease))
    assert "has no lease" in refused(ask(bench, Unpin("a", 3, lease.lease)))
    assert bench.free() == 3


def test_a_request_that_is_sent_twice_is_done_once(bench: Bench) -> None:
    first = pinned(bench)
    assert pinned(bench) == first
    assert bench.desk.lease_count == 1


def test_a_request_that_was_overtaken_is_not_done(bench: Bench) -> None:
    pinned(bench, number=5)
    assert "overtaken" in refused(ask(bench, Pin("a", 4, b"k1")))
    assert bench.desk.lease_count == 1


@pytest.mark.parametrize("number", [-7, -1, 0, 2**63])
def test_a_client_may_count_from_anywhere(bench: Bench, number: int) -> None:
    first = pinned(bench, number=number)
    assert "overtaken" in refused(ask(bench, Pin("a", number - 1, b"k0")))
    assert pinned(bench, number=number) == first


def test_two_clients_may_pin_one_block(bench: Bench) -> None:
    a, b = pinned(bench), pinned(bench, client="b")
    assert (a.slot, a.lease) == (b.slot, b.lease - 1)
    ask(bench, Unpin("a", 2, a.lease))
    assert bench.free() == 2, "the other still has it"
    ask(bench, Unpin("b", 2, b.lease))
    assert bench.free() == 3


def test_there_are_no_more_leases_than_were_foreseen(bench: Bench) -> None:
    for number in range(4):
        pinned(bench, number=number)
    assert "4 leases are out" in refused(ask(bench, Pin("a", 9, b"k0")))


def test_a_manager_that_refuses_is_quoted() -> None:
    bench = Bench(leases_max=99)
    for number in range(8):
        pinned(bench, number=number)
    assert "pins" in refused(ask(bench, Pin("a", 9, b"k0")))
    assert bench.desk.lease_count == 8


@pytest.mark.parametrize("raw", [b"", b"\xc1", b"\x00" * 99, packed(Pin("a", 1, b"k0"))[:-2]])
def test_what_is_no_request_is_refused_in_words(bench: Bench, raw: bytes) -> None:
    assert "could not be read" in refused(ANSWERS.decode(bench.desk.answer(raw)))
    assert bench.free() == 3


def test_what_is_too_long_is_not_read(bench: Bench) -> None:
    raw = packed(Pin("a", 1, b"k" * BYTES_MAX))
    assert "bytes were sent" in refused(ANSWERS.decode(bench.desk.answer(raw)))


def test_closing_lets_go_of_everything(bench: Bench) -> None:
    pinned(bench)
    pinned(bench, client="b", key=b"k1")
    assert bench.desk.close() == 2
    assert bench.free() == 3
    bench.manager.close()


@pytest.mark.parametrize(("seconds", "most"), [(0.0, 4), (-1.0, 4), (1.0, 0)])
def test_a_desk_without_leases_is_refused(seconds: float, most: int) -> None:
    with pytest.raises(ValueError, match="are none"):
        Bench(lease_seconds=seconds, leases_max=most)
