"""A wire between client and service that loses, doubles and delays what it carries, as it is told.

Requests come in at one socket and go out at another; so do answers, the other way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import zmq

Parts = list[bytes]
Fate = Callable[[int, Parts], list[Parts]]
"""What becomes of the message with this number: what is carried in its place."""


def as_it_is(_number: int, parts: Parts) -> list[Parts]:
    "Nothing happens to it."
    return [parts]


class Wire:
    "Carries for as long as its block lasts; `address` is where clients go."

    def __init__(self, service: str, *, asked: Fate = as_it_is, answered: Fate = as_it_is) -> None:
        self._context = zmq.Context()
        self._front, self._back = self._context.socket(zmq.ROUTER), self._context.socket(zmq.DEALER)
        self._front.setsockopt(zmq.LINGER, 0)
        self._back.setsockopt(zmq.LINGER, 0)
        self._front.bind("tcp://127.0.0.1:*")
        self._back.connect(service)
        self.address = self._front.getsockopt_string(zmq.LAST_ENDPOINT)
        self._asked, self._answered = asked, answered
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._carry)
        self._thread.start()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._front.close()
        self._back.close()
        self._context.term()

    def _carry(self) -> None:
        ways = ((self._front, self._back, self._asked), (self._back, self._front, self._answered))
        counts = [0, 0]
        while not self._is_over.is_set():
            for way, (source, target, fate) in enumerate(ways):
                if not source.poll(2):
                    continue
                for parts in fate(counts[way], source.recv_multipart()):
                    target.send_multipart(parts)
                counts[way] += 1
