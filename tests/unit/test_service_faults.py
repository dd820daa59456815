"""What goes wrong between processes: clients killed at each step, a wire that loses and doubles."""

from __future__ import annotations

import socket as sockets
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
import zmq
from service_bench import CONTENT, Bench
from service_running import Running
from service_wire import Parts, Wire

from kvimpl.device.port import Stream, View
from kvimpl.service import NoAnswer, PinClient, ServiceRefused
from kvimpl.service.messages import ANSWERS, Pin, Pinned, Read, Refused, packed
from kvimpl.service.server import CurveKeys

CHILD = """
import sys, zmq
from kvimpl.service import PinClient
from kvimpl.service.messages import Pin, Read, packed

address, step = sys.argv[1:]

def here():
    print(step, flush=True)
    sys.stdin.read()

def only_sent(request):
    context = zmq.Context()
    socket = context.socket(zmq.REQ)
    socket.connect(address)
    socket.send(packed(request))
    here()

if step == "pin sent":
    only_sent(Pin(step, 1, b"k0"))
client = PinClient(address)
client.name = step
lease = client.pin(b"k0").lease
if step == "pin answered":
    here()
if step == "read sent":
    only_sent(Read(step, 2, lease))
assert client.read(lease) == b"a" * 16
if step == "unpin not sent":
    here()
client.unpin(lease)
here()
"""

WATCHDOG_SECONDS = 60.0


@pytest.fixture
def running() -> Iterator[Running]:
    made = Running(Bench())
    yield made
    made.stop()


def wait_until(running: Running, leases: int) -> None:
    "Requests of a client that pins nothing, until so many leases are out."
    with PinClient(running.server.address) as client:
        for _ in range(10_000):
            if running.bench.desk.lease_count == leases:
                break
            assert client.pin(b"other") is None
    assert running.bench.desk.lease_count == leases


def test_a_client_killed_at_any_step_leaks_nothing(running: Running) -> None:
    def killed_at(step: str) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, running.server.address, step],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        assert child.stdout.readline().strip() == step
        return child

    out = {"pin sent": 1, "pin answered": 1, "read sent": 1, "unpin not sent": 1, "unpinned": 0}
    for step, leases in out.items():
        child = killed_at(step)
        wait_until(running, leases)
        child.kill()
        child.communicate()
        wait_until(running, leases)
        assert running.bench.free() == 3 - leases, "nothing is free early"
        running.bench.clock.now += 10.0
        wait_until(running, 0)
        assert running.bench.free() == 3, step


class Gate:
    "Holds the service inside a copy until it is opened."

    def __init__(self, bench: Bench) -> None:
        self.is_in, self.is_open = threading.Event(), threading.Event()
        self._copy = bench.device.copy
        bench.device.copy = self.copy  # type: ignore[method-assign]

    def copy(self, destination: View, source: View, stream: Stream, **named: Any) -> Any:
        "The device's, late."
        self.is_in.set()
        assert self.is_open.wait(60)
        return self._copy(destination, source, stream, **named)


def test_a_client_killed_while_the_service_copies_for_it_leaks_nothing(running: Running) -> None:
    gate = Gate(running.bench)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, running.server.address, "unpinned"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert gate.is_in.wait(60)
    child.kill()
    child.communicate()
    assert running.bench.desk.lease_count == 1
    gate.is_open.set()
    wait_until(running, 1)
    running.bench.clock.now = 10.0
    wait_until(running, 0)
    assert running.bench.free() == 3


def test_a_lease_that_expires_while_its_copy_runs_holds_until_the_answer() -> None:
    bench = Bench()
    free_during: list[int] = []
    copy = bench.device.copy

    def slow(destination: View, source: View, stream: Stream, **named: Any) -> Any:
        bench.clock.now = 99.0
        free_during.append(bench.free())
        return copy(destination, source, stream, **named)

    bench.device.copy = slow  # type: ignore[method-assign]
    assert isinstance(ANSWERS.decode(bench.desk.answer(packed(Pin("a", 1, b"k0")))), Pinned)
    answer = ANSWERS.decode(bench.desk.answer(packed(Read("a", 2, 0))))
    assert answer.data == CONTENT[b"k0"]
    assert free_during == [2]
    again = ANSWERS.decode(bench.desk.answer(packed(Read("a", 3, 0))))
    assert isinstance(again, Refused)
    assert "a has no lease 0" in again.why
    assert bench.free() == 3


# ---- a wire that is not to be trusted


def a_round(address: str) -> None:
    "Pin, read and let go, twice; every answer must be the right one, however slow this machine is."
    with PinClient(address, answer_ms=400, tries=100) as client:
        for number, key in enumerate(CONTENT):
            lease = client.pin(key)
            assert lease is not None
            assert lease.lease == number, "each pin was done once"
            assert client.read(lease.lease) == CONTENT[key]
            client.renew(lease.lease)
            client.unpin(lease.lease)


def lost(*numbers: int) -> Any:
    return lambda number, parts: [] if number in numbers else [parts]


def doubled(_number: int, parts: Parts) -> list[Parts]:
    return [parts, parts]


class Behind:
    "Each answer is followed, when the next one comes, by itself again: just before that one."

    def __init__(self) -> None:
        self._before: list[Parts] = []

    def __call__(self, _number: int, parts: Parts) -> list[Parts]:
        stale, self._before = self._before, [parts]
        return [*([*parts[:1], *old[1:]] for old in stale), parts]


FATES = {
    "the first request is lost": {"asked": lost(0)},
    "the answer to the pin is lost": {"answered": lost(0)},
    "two in a row are lost": {"asked": lost(1, 2)},
    "the answer to the unpin is lost": {"answered": lost(3)},
    "requests come twice": {"asked": doubled},
    "answers come twice": {"answered": doubled},
    "answers come again, before the next": {"answered": Behind()},
    "all of it": {"asked": doubled, "answered": lost(0, 3)},
}


@pytest.mark.parametrize("fate", sorted(FATES))
def test_a_request_is_done_once_whatever_the_wire_does(running: Running, fate: str) -> None:
    with Wire(running.server.address, **FATES[fate]) as wire:
        a_round(wire.address)
        assert (running.bench.desk.lease_count, running.bench.free()) == (0, 3)


def test_a_service_that_stops_answering_is_told_and_its_leases_end(running: Running) -> None:
    lost = threading.Event()

    def lose(_number: int, _parts: Parts) -> list[Parts]:
        lost.set()
        return []

    with (
        Wire(running.server.address, answered=lose) as wire,
        # a request that is given up before it is connected is never sent: so five times
        PinClient(wire.address, answer_ms=200, tries=5) as client,
    ):
        with pytest.raises(NoAnswer, match="did not answer 5 times"):
            client.pin(b"k0")
        assert lost.wait(WATCHDOG_SECONDS), "the service was asked and answered"
    wait_until(running, 1)
    running.bench.clock.now = 10.0
    wait_until(running, 0)
    assert running.bench.free() == 3


# ---- strangers


def test_what_speaks_another_language_harms_nobody(running: Running) -> None:
    host, port = running.server.address.removeprefix("tcp://").rsplit(":", 1)
    with sockets.create_connection((host, int(port))) as http:
        http.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        a_round(running.server.address)


def test_a_message_in_parts_is_refused_and_the_next_is_answered(running: Running) -> None:
    context = zmq.Context()
    socket = context.socket(zmq.REQ)
    socket.setsockopt(zmq.LINGER, 0)
    socket.connect(running.server.address)
    socket.send_multipart([packed(Pin("a", 1, b"k0")), b"more"])
    assert socket.poll(10_000)
    answer = ANSWERS.decode(socket.recv())
    assert isinstance(answer, Refused)
    assert "A message of 2 parts came" in answer.why
    socket.close()
    context.term()
    assert running.bench.desk.lease_count == 0
    a_round(running.server.address)


def test_another_service_at_the_address_is_told() -> None:
    context = zmq.Context()
    socket = context.socket(zmq.REP)
    socket.setsockopt(zmq.LINGER, 0)
    port = socket.bind_to_random_port("tcp://127.0.0.1")

    def other() -> None:
        socket.recv()
        socket.send(b"HELO")

    thread = threading.Thread(target=other)
    thread.start()
    said = r"answered what no pin service answers .* another version"
    with PinClient(f"tcp://127.0.0.1:{port}") as client, pytest.raises(NoAnswer, match=said):
        client.pin(b"k0")
    thread.join()
    socket.close()
    context.term()


def test_another_service_s_key_is_not_answered() -> None:
    made = Running(Bench(), keys=CurveKeys.new())
    key = CurveKeys.new().public
    with (
        PinClient(made.server.address, answer_ms=50, tries=1, server_key=key) as client,
        pytest.raises(NoAnswer, match="wants another key"),
    ):
        client.pin(b"k0")
    assert made.stop() == 0


# ---- many at once


def test_clients_at_once_read_what_they_pinned_and_leak_nothing(running: Running) -> None:
    def pinned(client: PinClient, key: bytes) -> Pinned | None:
        with suppress(ServiceRefused):  # four leases may be out, and eight are wanted
            return client.pin(key)
        return None

    def busy(number: int) -> int:
        client, read_count = PinClient(running.server.address, answer_ms=10_000), 0
        for turn in range(20):
            keys = [(b"k0", b"k1")[(number + turn) % 2], b"k0"]
            leases = [(key, pinned(client, key)) for key in keys]
            for key, lease in leases:
                if lease is not None:
                    assert client.read(lease.lease) == CONTENT[key]
                    client.unpin(lease.lease)
                    read_count += 1
        client.close()
        return read_count

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(busy, range(4))) > 20
    assert (running.bench.desk.lease_count, running.bench.free()) == (0, 3)
