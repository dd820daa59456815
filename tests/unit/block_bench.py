"""A manager on a still device, with the one-letter requests and keys that tests are written in.

It decides nothing; it saves each test the same ten lines.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from still_device import StillDevice

from kvimpl.blocks import BlockHandle, BlockManager, BlockPool, Miss, PoolSettings
from kvimpl.device.port import Stream
from kvspec.events import (
    BlockId,
    Detail,
    Event,
    Key,
    Level,
    Observation,
    Reporter,
    RequestId,
    Shown,
)

A, B, C = RequestId(0), RequestId(1), RequestId(2)


def key(name: str) -> Key:
    return Key(name.encode())


@dataclass
class Teller:
    "Keeps every event and what was shown with it."

    detail: Detail = Detail.PARTS
    events: list[Event] = field(default_factory=list)
    shown: list[Observation] = field(default_factory=list)

    def report(self, event: Event, shown: Shown) -> None:
        self.events.append(event)
        self.shown.append(shown.observe())

    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.events]

    def clear(self) -> None:
        self.events.clear()
        self.shown.clear()


@dataclass
class Hands:
    "A clock that tests move."

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Bench:
    "The manager, and everything around it."

    settings: PoolSettings
    pool: type[BlockPool] = BlockPool
    manager_class: type[BlockManager] = BlockManager
    detail: Detail = Detail.PARTS
    reporter: Reporter | None = None
    silent: bool = False
    device: StillDevice = field(default_factory=StillDevice)

    def __post_init__(self) -> None:
        self.clock = Hands()
        self.teller = Teller(self.detail)
        self.compute: Stream = self.device.stream("compute")
        self.manager = self.manager_class(
            self.device,  # type: ignore[arg-type]
            self.settings,
            compute=self.compute,
            clock=self.clock,
            reporter=None if self.silent else self.reporter or self.teller,
            pool=self.pool,
        )
        self.manager.begin_step()
        self.teller.clear()

    def cached(self, name: str, request: RequestId = A) -> BlockHandle:
        "A free block that caches the content of a name, filled by compute."
        handle = self.manager.allocate(request)
        self.write(handle, name)
        self.manager.commit(handle, request, key(name))
        self.manager.release(handle, request)
        return handle

    def write(self, handle: BlockHandle, name: str) -> None:
        "A compute step of its own fills the block."
        self.manager.end_step()
        self.device.fill(self.manager.view(handle), ord(name), self.compute, label=f"fill {name}")
        self.device.run()
        self.manager.poll()
        self.manager.begin_step()

    def settle(self) -> None:
        "The device catches up, and the manager notices."
        self.device.run()
        self.manager.poll()

    def hit(self, name: str, request: RequestId) -> BlockHandle:
        got = self.manager.acquire(request, key(name))
        assert not isinstance(got, Miss), got
        return got

    def bytes_of(self, handle: BlockHandle) -> bytes:
        return self.device.peek(self.manager.view(handle))

    def free(self, level: Level) -> tuple[BlockId, ...]:
        "The queues of a level, lowest priority first, as one."
        queues = self.manager.observe().free
        assert queues is not None
        return tuple(b for queue in queues[level] for b in queue)


def bench(
    primary: int = 2, secondary: int = 2, *, pool: type[BlockPool] = BlockPool, **sizes: object
) -> Bench:
    "A bench of that many slots of four bytes."
    settings = PoolSettings(
        primary_count=primary,
        secondary_count=secondary,
        slot_bytes=4,
        **sizes,  # type: ignore[arg-type]
    )
    return Bench(settings, pool=pool)
