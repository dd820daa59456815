"""Answers requests about pins: bytes in, bytes out, and nothing of sockets.

It decides who may do what with which lease, and when a lease ends. The idea: a pin of the manager
is held for one client and for a time; whoever does not come back loses it, so a client that dies
leaks nothing. Requests are answered one at a time and a read is over when it is answered, so a
lease never ends in the middle of its own copy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from kvimpl.blocks import BlockManager, PinReceipt
from kvimpl.blocks.errors import BlockError
from kvimpl.device.port import Device, Space
from kvimpl.service.messages import (
    BYTES_MAX,
    REQUESTS,
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
from kvspec.events import Key

CLIENTS_REMEMBERED = 1024


@dataclass(slots=True)
class _Lease:
    client: str
    receipt: PinReceipt
    ends: float


class Desk:
    """The pins of one manager, lent by lease.

    `clock` is in seconds and never goes back; a lease lasts `lease_seconds` from its pin or the
    last renewal. `leases_max` is how many may be out at once.

    Raises:
        ValueError: a lease without time, or no leases at all.
    """

    def __init__(
        self,
        manager: BlockManager,
        device: Device,
        *,
        clock: Callable[[], float],
        lease_seconds: float = 10.0,
        leases_max: int = 256,
    ) -> None:
        if lease_seconds <= 0 or leases_max < 1:
            raise ValueError(
                f"Leases of {lease_seconds} s, {leases_max} at most, are none. A lease needs time "
                "and there must be at least one. Give larger numbers."
            )
        self._manager, self._device, self._clock = manager, device, clock
        self._lease_seconds, self._leases_max = lease_seconds, leases_max
        self._stream = device.stream("pin-service")
        self._leases: dict[int, _Lease] = {}
        self._next_lease = 0
        self._last: dict[str, tuple[int, bytes]] = {}

    @property
    def lease_count(self) -> int:
        """Leases that are out."""
        return len(self._leases)

    def answer(self, raw: bytes) -> bytes:
        """The answer to one request. Never raises for what a client sent."""
        self.expire()
        if len(raw) > BYTES_MAX:
            return packed(
                _no(f"{len(raw)} bytes were sent", f"at most {BYTES_MAX} are read", "Send less.")
            )
        try:
            request = REQUESTS.decode(raw)
        except msgspec.MsgspecError as error:
            return packed(_no("The request could not be read", str(error), "Send one of ours."))
        number, before = self._last.get(request.client, (None, b""))
        if number is not None and request.number == number:
            return before
        if number is not None and request.number < number:
            return packed(
                _no(
                    f"Request {request.number} came after request {number}",
                    "it was overtaken on its way",
                    "Send it again with a new number if it is still wanted.",
                )
            )
        answer = packed(self._done(request))
        self._last.pop(request.client, None)
        self._last[request.client] = request.number, answer
        while len(self._last) > CLIENTS_REMEMBERED:
            del self._last[next(iter(self._last))]
        return answer

    def expire(self) -> int:
        """Let go of every lease whose time is over; how many they were."""
        now = self._clock()
        over = [number for number, lease in self._leases.items() if lease.ends <= now]
        for number in over:
            self._let_go(number)
        return len(over)

    def close(self) -> int:
        """Let go of every lease; how many were out."""
        out = list(self._leases)
        for number in out:
            self._let_go(number)
        return len(out)

    # ---- requests

    def _done(self, request: Request) -> Answer:
        try:
            if isinstance(request, Pin):
                return self._pin(request)
            lease = self._leases.get(request.lease)
            if lease is None or lease.client != request.client:
                return _no(
                    f"{request.client} has no lease {request.lease}",
                    "it was let go, its time was over, or it is another client's",
                    "Pin the block again.",
                )
            if isinstance(request, Read):
                return Content(self._read(lease.receipt))
            if isinstance(request, Renew):
                lease.ends = self._clock() + self._lease_seconds
                return Done()
            assert isinstance(request, Unpin)
            self._let_go(request.lease)
            return Done()
        except BlockError as error:
            return Refused(str(error))

    def _pin(self, request: Pin) -> Answer:
        if len(self._leases) >= self._leases_max:
            return _no(
                f"{self._leases_max} leases are out",
                "clients hold on to more than was foreseen",
                "Let go of some, or wait until they end.",
            )
        receipt = self._manager.pin_key(Key(request.key))
        if receipt is None:
            return Absent()
        number = self._next_lease
        self._next_lease += 1
        ends = self._clock() + self._lease_seconds
        self._leases[number] = _Lease(request.client, receipt, ends)
        return Pinned(number, receipt.slot, receipt.view.nbytes, self._lease_seconds)

    def _read(self, receipt: PinReceipt) -> bytes:
        """The bytes, copied by the device once what writes them is complete."""
        device, stream = self._device, self._stream
        wire = device.alloc(receipt.view.nbytes, Space.PINNED, label="pin-service wire")
        try:
            for mark in receipt.after:
                device.wait(stream, mark)
            device.copy(wire.view(), receipt.view, stream)
            device.synchronize(stream)
            return device.host_read(wire.view())
        finally:
            device.free(wire)

    def _let_go(self, number: int) -> None:
        self._manager.unpin(self._leases.pop(number).receipt)


def _no(happened: str, cause: str, mend: str) -> Refused:
    return Refused(f"{happened}. The likely cause: {cause}. {mend}")
