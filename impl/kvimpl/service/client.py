"""The other end: pins, reads and lets go, and asks again when no answer comes.

It decides how often it asks; a request that is asked again keeps its number, so it is done once.
An answer that comes twice, or late, is dropped by the socket: it carries the number of its asking.
"""

from __future__ import annotations

import uuid

import msgspec
import zmq

from kvimpl.service.messages import (
    ANSWERS,
    Absent,
    Answer,
    Content,
    Pin,
    Pinned,
    Read,
    Refused,
    Renew,
    Request,
    Unpin,
    packed,
)


class NoAnswer(Exception):
    """The service did not answer, as often as it was asked."""


class ServiceRefused(Exception):
    """The service did nothing, and says why."""


class PinClient:
    """One client of one service, for as long as its block lasts or until `close`.

    Raises from each call: NoAnswer, ServiceRefused.

    `server_key` is the service's public key where it has one; this client's own pair is new.
    """

    def __init__(
        self,
        address: str,
        *,
        answer_ms: int = 1000,
        tries: int = 3,
        server_key: bytes | None = None,
    ) -> None:
        self.name = uuid.uuid4().hex
        self._address, self._answer_ms, self._tries = address, answer_ms, tries
        self._server_key = server_key
        self._context = zmq.Context()
        self._number = 0
        self._socket = self._connected()

    def pin(self, key: bytes) -> Pinned | None:
        """A lease of the block that has the key's content; None if there is none."""
        answer = self._answered(Pin(self.name, self._count(), key))
        if isinstance(answer, Absent):
            return None
        assert isinstance(answer, Pinned)
        return answer

    def read(self, lease: int) -> bytes:
        """The bytes of the leased block."""
        answer = self._answered(Read(self.name, self._count(), lease))
        assert isinstance(answer, Content)
        return answer.data

    def renew(self, lease: int) -> None:
        """Hold on for another lease's time."""
        self._answered(Renew(self.name, self._count(), lease))

    def unpin(self, lease: int) -> None:
        """Let go."""
        self._answered(Unpin(self.name, self._count(), lease))

    def __enter__(self) -> PinClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up; leases that are out end when their time is over."""
        self._socket.close()
        self._context.term()

    def _count(self) -> int:
        self._number += 1
        return self._number

    def _answered(self, request: Request) -> Answer:
        for _ in range(self._tries):
            self._socket.send(packed(request))
            if self._socket.poll(self._answer_ms):
                answer = self._read(self._socket.recv())
                if isinstance(answer, Refused):
                    raise ServiceRefused(answer.why)
                return answer
            self._socket.close()  # a REQ socket that waits for an answer cannot ask again
            self._socket = self._connected()
        raise NoAnswer(
            f"{self._address} did not answer {self._tries} times within {self._answer_ms} ms. The "
            "service is not there, is stuck, or wants another key. See that it runs, and ask again."
        )

    def _read(self, raw: bytes) -> Answer:
        try:
            answer: Answer = ANSWERS.decode(raw)
        except msgspec.MsgspecError as error:
            raise NoAnswer(
                f"{self._address} answered what no pin service answers ({error}). Another service "
                "listens there, or one of another version. Give the address of a pin service."
            ) from error
        return answer

    def _connected(self) -> zmq.Socket[bytes]:
        socket = self._context.socket(zmq.REQ)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.IPV6, 1)
        socket.setsockopt(zmq.REQ_CORRELATE, 1)
        if self._server_key is not None:
            socket.curve_serverkey = self._server_key
            socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
        socket.connect(self._address)
        return socket
