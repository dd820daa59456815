"""The desk behind a ZMQ REP socket.

It decides where the service listens and when it looks for leases that are over; what a request
does is the desk's. The idea: one socket, one thread, loopback unless it was said otherwise.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

import zmq

from kvimpl.service.desk import Desk
from kvimpl.service.messages import BYTES_MAX

ANY_PORT = 0


class PortTaken(Exception):
    """Somebody listens at the address already."""


class AddressNotLoopback(ValueError):
    """Other machines could reach the address, and nobody said that they may."""


@dataclass(frozen=True, slots=True)
class CurveKeys:
    """The server's own pair, in Z85; clients must know the public one (CurveZMQ, RFC 26)."""

    public: bytes
    secret: bytes


class PinServer:
    """Listens from its making on; `serve` answers.

    `remote=True` allows an address that other machines reach; it should come with `keys`.

    Raises:
        AddressNotLoopback, PortTaken: nothing listens, nothing stays open.
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
        try:
            self._socket.bind(f"tcp://{host}:{port or '*'}")
        except zmq.ZMQError as error:
            self._shut()
            raise PortTaken(
                f"Port {port} of {host} cannot be listened at ({error.strerror}). Another service, "
                "or another worker in this network namespace, has it most likely. Choose another "
                "port, or 0 for any that is free."
            ) from error
        self.address: str = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def serve(self, is_over: Callable[[], bool], *, look_ms: int = 50) -> None:
        """Answer until `is_over` says so, which is asked at least every `look_ms`."""
        while not is_over():
            if self._socket.poll(look_ms):
                self._socket.send(self._desk.answer(self._socket.recv()))
            else:
                self._desk.expire()

    def close(self) -> int:
        """Stop listening and let go of every lease; how many were out. Twice is once."""
        self._shut()
        return self._desk.close()

    def _shut(self) -> None:
        self._socket.close()
        self._context.term()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name, which may come to mean any address
        return False
