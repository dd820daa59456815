"""`kvproof serve`: a second process pins what it serves, and every way in which it ends."""

from __future__ import annotations

import signal
import sys

import pytest
import zmq
from command_lines import Kvproof
from serve_process import Serve

from kvcheck.verdict import Exit
from kvimpl.service import NoAnswer, PinClient


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_when_it_is_told_and_lets_go(number: signal.Signals) -> None:
    with Serve("serve", "--key", "alpha", "--key", "ö", table_lines=4) as serve:
        with PinClient(serve.address) as client:
            lease = client.pin("ö".encode())
            assert lease is not None
            assert client.read(lease.lease) == b"b" * 64
            assert client.pin(b"alpha") is not None
            assert client.pin(b"beta") is None
        code, said = serve.stop(number)
    assert code == Exit.OK
    assert said.startswith("stopped after ")
    assert said.endswith("; 2 leases were out and let go\n")


def test_only_who_has_the_printed_key_is_answered() -> None:
    with Serve("serve", "--curve") as serve:
        (line,) = [line for line in serve.said.splitlines() if line.startswith("public key: ")]
        key = line.removeprefix("public key: ").encode()
        with (
            PinClient(serve.address, answer_ms=50, tries=1) as stranger,
            pytest.raises(NoAnswer),
        ):
            stranger.pin(b"alpha")
        with PinClient(serve.address, server_key=key) as friend:
            assert friend.pin(b"alpha") is not None
        assert serve.stop(signal.SIGTERM)[1].endswith("; 1 lease was out and let go\n")


def test_a_key_may_be_any_bytes(kvproof: Kvproof) -> None:
    ran = kvproof("serve", "--budget", "10ms", "--key", "\udce4")
    assert ran.code == Exit.OK
    assert "\\xe4        64 bytes of 'a'" in ran.out


def test_a_budget_that_is_spent_is_an_end_like_any_other(kvproof: Kvproof) -> None:
    ran = kvproof("serve", "--budget", "10ms", "--lease", "2m")
    assert ran.code == Exit.OK
    assert "a pin lasts 2 m 00 s" in ran.out
    assert "0 leases were out and let go" in ran.out


def test_a_port_that_is_taken_is_told(kvproof: Kvproof) -> None:
    with zmq.Context() as context, context.socket(zmq.REP) as socket:
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        ran = kvproof("serve", "--port", str(port))
    assert ran.code == Exit.USAGE
    assert f"Port {port} of 127.0.0.1 is taken" in ran.err
    assert "Choose another port, or 0 for any that is free." in ran.err
    assert ran.out == ""


WRONG = {
    "others": (("--host", "0.0.0.0"), "--remote was not given"),
    "a name": (("--host", "localhost"), "a name may come to mean any address"),
    "no keys": (("--host", "0.0.0.0", "--remote"), "--remote without --curve"),
    "elsewhere": (("--host", "192.0.2.1", "--remote", "--curve"), "none of this machine's"),
    "empty key": (("--key", ""), "A key of no letters"),
    "key twice": (("--key", "a", "--key", "a"), "is given twice"),
    "no lease": (("--lease", "0s"), "A lease needs time"),
    "no port": (("--port", "65536"), "65536"),
}


@pytest.mark.parametrize("case", sorted(WRONG))
def test_what_cannot_be_served_is_refused_in_words(kvproof: Kvproof, case: str) -> None:
    arguments, said = WRONG[case]
    ran = kvproof("serve", "--budget", "10ms", *arguments)
    assert ran.code == Exit.USAGE
    assert ran.out == ""
    assert said in ran.err
    assert ran.err.count(". ") >= 2
    assert ran.err.count("\n") == 1


def test_without_the_extra_the_environment_is_absent(
    kvproof: Kvproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [n for n in sys.modules if n.startswith(("kvimpl.service", "kvcheck.serving"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("kvcheck.serving", raising=False)
    monkeypatch.setitem(sys.modules, "zmq", None)
    ran = kvproof("serve", "--budget", "10ms")
    assert ran.code == Exit.ENVIRONMENT_ABSENT
    assert "pip install 'kvproof[service]'" in ran.err


def test_without_curve_the_environment_is_absent(
    kvproof: Kvproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zmq, "has", lambda _what: False)
    ran = kvproof("serve", "--budget", "10ms", "--curve")
    assert ran.code == Exit.ENVIRONMENT_ABSENT
    assert "has no CURVE" in ran.err
