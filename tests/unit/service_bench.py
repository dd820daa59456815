"""A manager with two cached blocks behind a desk, on ordinary memory, with a clock by hand."""

from __future__ import annotations

from dataclasses import dataclass

from kvcheck.linear.host import host_device
from kvimpl.blocks import BlockManager, PoolSettings
from kvimpl.device.port import Device
from kvimpl.service import Desk
from kvspec.events import Key, Level, RequestId

SLOT_BYTES = 16
CONTENT = {b"k0": b"a" * SLOT_BYTES, b"k1": b"b" * SLOT_BYTES}


@dataclass
class Hands:
    "A clock that tests move."

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class Bench:
    "Two device blocks and one host block; `k0` and `k1` are cached."

    def __init__(
        self,
        *,
        lease_seconds: float = 10.0,
        leases_max: int = 4,
        device: Device | None = None,
        desk_class: type[Desk] = Desk,
    ) -> None:
        self.device, self.clock = device or host_device(), Hands()
        self.compute = compute = self.device.stream("compute")
        settings = PoolSettings(
            primary_count=2,
            secondary_count=1,
            slot_bytes=SLOT_BYTES,
            references_max=8,
            pins_max=8,
            copies_max=4,
        )
        self.manager = BlockManager(self.device, settings, compute=compute, clock=self.clock)
        self.manager.begin_step()
        for number, (key, content) in enumerate(CONTENT.items()):
            handle = self.manager.allocate(RequestId(number))
            self.device.fill(self.manager.view(handle), content[0], compute)
            self.manager.commit(handle, RequestId(number), Key(key))
            self.manager.release(handle, RequestId(number))
        self.manager.end_step()
        self.desk = desk_class(
            self.manager,
            self.device,
            clock=self.clock,
            lease_seconds=lease_seconds,
            leases_max=leases_max,
        )

    def free(self) -> int:
        "Blocks that are free once every copy is complete; three if nothing leaked."
        self.device.synchronize()
        self.manager.poll()
        return sum(self.manager.free_count(level) for level in Level)
