"""The service over real sockets on loopback: a second process, a client that dies, a taken port."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
import zmq
from service_bench import CONTENT, Bench
from service_running import Running

from kvimpl.service import AddressNotLoopback, NoAnswer, PinClient, PinServer, PortTaken
from kvimpl.service.messages import BYTES_MAX
from kvimpl.service.server import CurveKeys

CHILD = """
import os, sys
from kvimpl.service import PinClient
client = PinClient(sys.argv[1])
lease = client.pin(b"k0")
print(client.read(lease.lease).decode(), flush=True)
if sys.argv[2] == "dies":
    os._exit(9)
client.unpin(lease.lease)
client.close()
"""


@pytest.fixture
def running() -> Iterator[Running]:
    made = Running(Bench())
    yield made
    made.stop()


def child(address: str, ending: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CHILD, address, ending]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_second_process_pins_reads_and_lets_go(running: Running) -> None:
    ran = child(running.server.address, "lives")
    assert (ran.returncode, ran.stdout.strip()) == (0, CONTENT[b"k0"].decode()), ran.stderr
    assert running.bench.free() == 3


def test_a_client_that_dies_loses_its_pins_when_their_time_is_over(running: Running) -> None:
    ran = child(running.server.address, "dies")
    assert ran.returncode == 9, ran.stderr
    assert running.bench.desk.lease_count == 1
    running.bench.clock.now = 10.0
    client = PinClient(running.server.address)
    assert client.pin(b"other") is None  # any request makes it look
    client.close()
    assert (running.bench.desk.lease_count, running.bench.free()) == (0, 3)


def test_stopping_with_leases_out_lets_go_of_them() -> None:
    made = Running(Bench())
    client = PinClient(made.server.address)
    assert client.pin(b"k1") is not None
    assert made.stop() == 1
    assert made.bench.free() == 3
    client.close()


def test_no_service_is_no_answer() -> None:
    made = Running(Bench())
    address = made.server.address
    made.stop()
    client = PinClient(address, answer_ms=20, tries=2)
    with pytest.raises(NoAnswer, match="did not answer 2 times"):
        client.pin(b"k0")
    client.close()


def test_a_message_that_is_far_too_long_harms_nobody(running: Running) -> None:
    context = zmq.Context()
    socket = context.socket(zmq.REQ)
    socket.setsockopt(zmq.LINGER, 0)
    socket.connect(running.server.address)
    socket.send(b"x" * (4 * BYTES_MAX))
    assert not socket.poll(100), "the socket drops it"
    socket.close()
    context.term()
    client = PinClient(running.server.address)
    assert client.pin(b"k0") is not None
    client.close()


def test_a_port_that_is_taken_is_told(running: Running) -> None:
    port = int(running.server.address.rsplit(":", 1)[1])
    with pytest.raises(PortTaken, match=r"Another worker|another worker"):
        PinServer(Bench().desk, port=port)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example"])
def test_other_machines_are_kept_out_unless_it_is_said(host: str) -> None:
    with pytest.raises(AddressNotLoopback, match="reached from other machines"):
        PinServer(Bench().desk, host=host)


def test_only_who_knows_the_key_is_answered() -> None:
    keys = CurveKeys(*zmq.curve_keypair())
    made = Running(Bench(), keys=keys)
    stranger = PinClient(made.server.address, answer_ms=50, tries=1)
    with pytest.raises(NoAnswer):
        stranger.pin(b"k0")
    friend = PinClient(made.server.address, server_key=keys.public)
    assert friend.pin(b"k0") is not None
    for client in (stranger, friend):
        client.close()
    assert made.stop() == 1
