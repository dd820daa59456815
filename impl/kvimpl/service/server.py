"""The desk behind a ZMQ REP socket.

It decides where the service listens and when it looks for leases that are over; what a request
does is the desk's. The idea: one socket, one thread, loopback unless it was said otherwise.
"""

from __future__ import annotations

import errno
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

import zmq

from kvimpl.service.desk import Desk
from kvimpl.service.messages import BYTES_MAX, Refused, packed

ANY_PORT = 0


class PortTaken(Exception):
    """Somebody listens at the address already."""


class AddressNotLoopback(ValueError):
    """Other machines could reach the address, and nobody said that they may."""


class AddressNotHere(ValueError):
    """This machine has no such address, or lets nobody listen there."""


class CurveAbsent(Exception):
    """This machine's ZMQ knows no keys."""


@dataclass(frozen=True, slots=True)
class CurveKeys:
    """The server's own pair, in Z85; clients must know the public one (CurveZMQ, RFC 26)."""

    public: bytes
    secret: bytes

    @classmethod
    def new(cls) -> CurveKeys:
        """A new pair. Raises: CurveAbsent."""
        if not zmq.has("curve"):
            raise CurveAbsent(
                f"libzmq {zmq.zmq_version()} has no CURVE. It was built without libsodium. Install "
                "the wheel of pyzmq, which has it, or serve on loopback without keys."
            )
        return cls(*zmq.curve_keypair())


class PinServer:
    """Listens from its making on; `serve` answers.

    `remote=True` allows an address that other machines reach; it should come with `keys`.

    Raises:
        AddressNotLoopback, AddressNotHere, PortTaken: nothing listens, nothing stays open.
    """

    def __init__(
        self,
        desk: Desk,
        *,
        host: str = "127.0.0.1",
        port: int = ANY_PORT,
        remote: bool = False,
        keys: CurveKeys | None = None,
    ) -> None:
        if not remote and not _is_loopback(host):
            raise AddressNotLoopback(
                f"{host} can be reached from other machines. Pins of theirs would keep memory of "
                "this one. Use 127.0.0.1, or say remote=True and give keys."
            )
        self._desk = desk
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.REP)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.MAXMSGSIZE, 2 * BYTES_MAX)
        if keys is not None:
            self._socket.curve_server = True
            self._socket.curve_publickey, self._socket.curve_secretkey = keys.public, keys.secret
        at = f"[{host}]" if ":" in host else host
        self._socket.setsockopt(zmq.IPV6, int(":" in host))
        try:
            self._socket.bind(f"tcp://{at}:{port or '*'}")
        except zmq.ZMQError as error:
            self._shut()
            raise _no_ear(host, port, error) from error
        self.address: str = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def serve(self, is_over: Callable[[], bool], *, look_ms: int = 50) -> None:
        """Answer until `is_over` says so, which is asked at least every `look_ms`."""
        while not is_over():
            if self._socket.poll(look_ms):
                parts = self._socket.recv_multipart()  # else a second part would be in the way
                is_whole = len(parts) == 1
                self._socket.send(self._desk.answer(parts[0]) if is_whole else _in_parts(parts))
            else:
                self._desk.expire()

    def close(self) -> int:
        """Stop listening and let go of every lease; how many were out. Twice is once."""
        self._shut()
        return self._desk.close()

    def _shut(self) -> None:
        self._socket.close()
        self._context.term()


def _in_parts(parts: list[bytes]) -> bytes:
    return packed(
        Refused(
            f"A message of {len(parts)} parts came. The likely cause: its sender is no client of "
            "this service. Send each request as one part."
        )
    )


def _no_ear(host: str, port: int, error: zmq.ZMQError) -> PortTaken | AddressNotHere:
    if error.errno == errno.EADDRINUSE:
        return PortTaken(
            f"Port {port} of {host} is taken ({error.strerror}). Another service, or another "
            "worker in this network namespace, has it most likely. Choose another port, or 0 for "
            "any that is free."
        )
    return AddressNotHere(
        f"Nobody can listen at port {port} of {host} ({error.strerror}). The address is none of "
        "this machine's, or the port needs a right that this user lacks. Give an address of this "
        "machine, and a port above 1023."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name, which may come to mean any address
        return False
