"""A drawn program for several threads, run against one manager: a history comes of it.

It decides what threads ask for, not when they run: that is the device's affair, the operating
system's on real threads and a schedule's on the simulated device. The idea: threads should meet at
the same blocks most of the time. So keys are few, and half of the programs are crowds besides: one
or two blocks that everybody lets go of soon, since a window between two locks shows only if a block
changes hands within it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from kvcheck.linear.calls import Manager
from kvcheck.linear.history import History, Tape
from kvcheck.linear.witness import Crashed, Witness
from kvimpl.blocks import BlockHandle, BlockManager, PinReceipt, PoolSettings
from kvimpl.blocks.errors import BlockError
from kvimpl.device.port import Device, Stream
from kvspec.events import Key, Level, RequestId

SLOT_BYTES = 8
CROWDED = ((1, 0, 1), (1, 0, 2), (2, 0, 1), (2, 0, 2), (2, 1, 2))
"""Primary blocks, secondary blocks, keys."""
USUAL = (1, 1, 1, 1, 2, 1, 1, 2, 1)
"""How likely each call is, in the order of `_Hands.move`."""
HURRIED = (2, 1, 2, 3, 8, 1, 1, 8, 1)
"""The same where blocks are let go of soon."""
ROOM = 64  # references, pins and copies that the manager may count: more than a program reaches


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """How many calls by how many threads at which sizes; `seed` draws all the rest.

    Raises:
        ValueError: a count is below one.
    """

    seed: int
    operation_count: int = 200
    thread_count: int = 3
    primary_count: int = 4
    secondary_count: int = 2
    key_count: int = 4
    weights: tuple[int, ...] = USUAL

    def __post_init__(self) -> None:
        for name in ("operation_count", "thread_count", "primary_count", "key_count"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, and must be at least 1.")

    def numbered(self, number: int) -> Program:
        """The same with another seed; every other pair of seeds is a crowd."""
        seed = self.seed + number
        if seed // 2 % 2 == 0:
            return replace(self, seed=seed)
        primary, secondary, keys = CROWDED[seed // 4 % len(CROWDED)]
        return replace(
            self,
            seed=seed,
            primary_count=primary,
            secondary_count=secondary,
            key_count=keys,
            weights=HURRIED,
        )

    def settings(self) -> PoolSettings:
        """The manager's."""
        return PoolSettings(
            primary_count=self.primary_count,
            secondary_count=self.secondary_count,
            slot_bytes=SLOT_BYTES,
            references_max=ROOM,
            pins_max=ROOM,
            copies_max=ROOM,
        )


@dataclass
class _Hands:
    """What one thread holds, and what it may ask for next."""

    witness: Witness
    draw: Random
    request: RequestId
    keys: list[Key]
    weights: tuple[int, ...]

    def __post_init__(self) -> None:
        self.held: list[BlockHandle] = []
        self.pinned: list[PinReceipt] = []
        self.spent: list[BlockHandle] = []

    def move(self) -> None:
        """One call of those that are possible, as likely as the program's weights say."""
        held, pinned, spent = bool(self.held), bool(self.pinned), bool(self.spent)
        calls = (
            (self._take, True),
            (self._find, True),
            (self._pin_key, True),
            (self._commit, held),
            (self._drop, held),
            (self._pin, held),
            (self._look, held),
            (self._unpin, pinned),
            (self._drop_again, spent),
        )
        weights = [w * can for w, (_, can) in zip(self.weights, calls, strict=True)]
        self.draw.choices([call for call, _ in calls], weights)[0]()

    def let_go(self) -> None:
        """Everything that is held is given back."""
        while self.pinned:
            self._unpin()
        while self.held:
            self._drop()

    def _take(self) -> None:
        if (handle := self.witness.allocate(self.request)) is not None:
            self.held.append(handle)

    def _find(self) -> None:
        handle = self.witness.acquire(self.request, self.draw.choice(self.keys))
        if handle is not None:
            self.held.append(handle)

    def _commit(self) -> None:
        self.witness.commit(self.draw.choice(self.held), self.request, self.draw.choice(self.keys))

    def _drop(self) -> None:
        handle = self.held.pop(self.draw.randrange(len(self.held)))
        self.witness.release(handle, self.request)
        self.spent = [handle]

    def _drop_again(self) -> None:
        if self.spent[0] not in self.held:
            self.witness.release(self.spent[0], self.request)

    def _look(self) -> None:
        self.witness.slot_of(self.draw.choice(self.held))

    def _pin(self) -> None:
        if (receipt := self.witness.pin(self.draw.choice(self.held))) is not None:
            self.pinned.append(receipt)

    def _pin_key(self) -> None:
        if (receipt := self.witness.pin_key(self.draw.choice(self.keys))) is not None:
            self.pinned.append(receipt)

    def _unpin(self) -> None:
        self.witness.unpin(self.pinned.pop(self.draw.randrange(len(self.pinned))))


Build = Callable[[Device, PoolSettings, Stream], Manager]


def manager_of(device: Device, settings: PoolSettings, compute: Stream) -> BlockManager:
    """The right manager, without a reporter."""
    return BlockManager(device, settings, compute=compute, clock=lambda: 0.0)


def record(device: Device, program: Program, build: Build = manager_of) -> History:
    """Run the program's threads on the device to their end.

    A thread whose call crashed stops there; what it held is lost with it, and not counted as lost.
    """
    compute = device.stream("compute")
    manager = build(device, program.settings(), compute)
    tape = Tape()
    keys = [Key(f"k{n}".encode()) for n in range(program.key_count)]
    hands = [
        _Hands(
            witness=Witness(f"t{n}", manager, tape),
            draw=Random(f"{program.seed} t{n}"),
            request=RequestId(n),
            keys=keys,
            weights=program.weights,
        )
        for n in range(program.thread_count)
    ]
    crashed: list[str] = []
    if isinstance(manager, BlockManager):
        manager.begin_step()

    def body(number: int) -> Callable[[], None]:
        share = len(range(number, program.operation_count, program.thread_count))

        def run() -> None:
            try:
                for _ in range(share):
                    hands[number].move()
                hands[number].let_go()
            except Crashed as crash:
                crashed.append(str(crash))

        return run

    tasks = [device.spawn(f"t{n}", body(n)) for n in range(program.thread_count)]
    for task in tasks:
        task.join()
    return tape.history(0 if crashed else _lost(device, manager, program))


def _lost(device: Device, manager: Manager, program: Program) -> int:
    """Blocks that are in no queue although nobody holds anything and every copy is complete."""
    try:
        if isinstance(manager, BlockManager):
            manager.end_step()
            device.synchronize()
            manager.poll()
        free = sum(manager.free_count(level) for level in Level)
    except BlockError:
        return program.primary_count + program.secondary_count
    return program.primary_count + program.secondary_count - free
