"""A block a key, full and cached, and the service that listens for who wants to pin one.

It decides what the blocks hold and how the parts are put together and taken apart; what a request
does is `kvimpl.service`'s. The idea: no model runs, so the blocks are filled once, by letters, and
whoever reads one can see that it got the right one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kvcheck.linear.host import host_device
from kvimpl.blocks import BlockManager, PoolSettings, Stored
from kvimpl.device.port import Device, Stream
from kvimpl.service import CurveKeys, Desk, PinServer
from kvspec.events import Key, RequestId

SLOT_BYTES = 64
LETTERS = 26


@dataclass(frozen=True, slots=True)
class Serving:
    """A service that listens, with everything behind it."""

    server: PinServer
    keys: tuple[bytes, ...]
    manager: BlockManager
    device: Device

    def close(self) -> int:
        """Stop listening and give everything back; how many leases were out."""
        out = self.server.close()
        self.manager.close()
        self.device.close()
        return out


def serving(
    keys: Sequence[bytes],
    *,
    clock: Callable[[], float],
    lease_seconds: float,
    host: str,
    port: int,
    remote: bool = False,
    curve: CurveKeys | None = None,
) -> Serving:
    """A service that listens, and has a cached block for each of the keys.

    Raises:
        BlockError: a key is empty, or there is none.
        ValueError: a lease without time, or a key that is given twice.
        AddressNotLoopback, AddressNotHere, PortTaken: nothing listens.
    """
    device = host_device()
    settings = PoolSettings(primary_count=len(keys), slot_bytes=SLOT_BYTES)
    compute = device.stream("compute")
    manager = BlockManager(device, settings, compute=compute, clock=clock)
    try:
        _fill(manager, device, compute, keys)
        desk = Desk(manager, device, clock=clock, lease_seconds=lease_seconds)
        server = PinServer(desk, host=host, port=port, remote=remote, keys=curve)
    except BaseException:
        manager.close()
        device.close()
        raise
    return Serving(server, tuple(keys), manager, device)


def _fill(manager: BlockManager, device: Device, compute: Stream, keys: Sequence[bytes]) -> None:
    manager.begin_step()
    for number, key in enumerate(keys):
        request = RequestId(number)
        block = manager.allocate(request)
        try:
            device.fill(manager.view(block), content_of(number)[0], compute)
            if manager.commit(block, request, Key(key)) is Stored.DUPLICATE:
                raise ValueError(
                    f"The key {key!r} is given twice. A key names one content, so one block has "
                    "it. Give each key once."
                )
        finally:
            manager.release(block, request)
    manager.end_step()


def content_of(number: int) -> bytes:
    """What the block of the key with this number holds: one letter, again and again."""
    return bytes([ord("a") + number % LETTERS]) * SLOT_BYTES
