"""One task of a case: performs its calls on the manager, and keeps what its caller would keep.

It decides what a call means where it stands (which handle, which receipt, or nothing at all) and
which refusals a caller has to expect; what a refusal elsewhere means is the runner's business. The
idea: a task keeps its own table of handles, so the manager's word is never needed to know that a
call is proper, and a proper call that is refused is a failure.

A task's requests are its own. Kernels, and with them the steps, are the first task's: another task
that calls for them does nothing, and neither does a kernel inside an open step, since the manager
leaves that order to its caller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from kvcheck.fuzz import case as calls
from kvcheck.fuzz.looks import Contents
from kvcheck.fuzz.site import BlockBytes, ByKernel
from kvcheck.lockstep import Tag
from kvimpl.blocks import BlockHandle, BlockManager, Keep, Miss, PinReceipt, Stored
from kvimpl.blocks.errors import (
    AlreadyCached,
    AlreadyHeld,
    BlockError,
    CopyInFlight,
    LimitReached,
    NoFreeBlock,
    NotHeld,
    NotPinned,
    SizeError,
    StaleHandle,
    StepError,
)
from kvimpl.device.port import Buffer, Device, Space, Stream
from kvspec.events import Key, Priority, RequestId

REQUESTS_A_TASK = 1 << 16

EXPECTED: Mapping[type, tuple[type[BlockError], ...]] = {
    calls.BeginStep: (StepError,),
    calls.EndStep: (StepError,),
    calls.Acquire: (StepError, AlreadyHeld),
    calls.Allocate: (StepError, NoFreeBlock, SizeError),
    calls.Commit: (AlreadyCached, CopyInFlight),
    calls.Pin: (LimitReached,),
    calls.PinKey: (LimitReached,),
    calls.Again: (NotHeld, NotPinned, StaleHandle),
}
"""What each call may be refused with; any other error is a failure."""


class Accepted(Exception):
    """A misuse was not refused."""


@dataclass(slots=True)
class Entry:
    """A block of a request: what it was filled with, if it was, and whether that has its key."""

    handle: BlockHandle
    key: int | None = None
    is_cached: bool = False


@dataclass(slots=True)
class Pinned:
    """A receipt, and the key whose bytes its reader must find; None: nothing is known of them."""

    receipt: PinReceipt
    key: int | None


@dataclass(slots=True)
class Clock:
    """The manager's clock, which goes on when a call says so."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass(slots=True)
class World:
    """What all tasks of a run share."""

    device: Device
    manager: BlockManager
    compute: Stream
    clock: Clock
    contents: Contents
    block_bytes: BlockBytes = field(default_factory=ByKernel)
    is_over: bool = False
    is_step_open: bool = False
    wrong_bytes: list[str] = field(default_factory=list)

    def take(self, wrong: Callable[[bytes], str], found: bytes, *, who: str) -> None:
        """Note bytes in which something is wrong."""
        what = wrong(found)
        if what:
            self.wrong_bytes.append(f"{who} read {what}.")


def key_of(key: int) -> Key:
    """The key as the manager is given it."""
    return Key(b"key %d" % key)


class Hands:
    """A task at work: `play` makes its calls, `give_up` returns all that it still holds."""

    def __init__(self, world: World, number: int) -> None:
        self.world, self.number = world, number
        self.tables: dict[int, list[Entry]] = {}
        self.receipts: list[Pinned | None] = []
        self.released: tuple[BlockHandle, int] | None = None
        self.unpinned: PinReceipt | None = None
        self.current: calls.AnyCall | None = None
        self._network: tuple[Stream, Buffer] | None = None

    def play(
        self, line: Sequence[calls.AnyCall], failed: Callable[[Hands, Exception], None]
    ) -> None:
        """Make the calls in order, until all are made or the run is over."""
        for call in line:
            if self.world.is_over:
                return
            self.current = call
            try:
                _MEANINGS[type(call)](self, call)
            except EXPECTED.get(type(call), ()):
                continue
            except Exception as error:
                failed(self, error)
                return

    def give_up(self) -> None:
        """Undo every pin and let go of every block; then the device memory of its own."""
        manager = self.world.manager
        for pinned in self.receipts:
            if pinned is not None:
                manager.unpin(pinned.receipt)
        for request in self.tables:
            manager.release_request(self._id(request))
        self.receipts.clear()
        self.tables.clear()

    def free(self) -> None:
        """Give back what the task's reader was given by the device."""
        if self._network is not None:
            self.world.device.free(self._network[1])

    # ---- the step

    def begin_step(self, call: calls.BeginStep) -> None:
        if self.number == 0:
            self.world.manager.begin_step()
            self.world.is_step_open = True

    def end_step(self, call: calls.EndStep) -> None:
        if self.number == 0:
            self.world.manager.end_step()
            self.world.is_step_open = False

    # ---- requests

    def acquire(self, call: calls.Acquire) -> None:
        got = self.world.manager.acquire(self._id(call.request), key_of(call.key))
        if not isinstance(got, Miss):
            self._table(call.request).append(Entry(got, call.key, is_cached=True))

    def allocate(self, call: calls.Allocate) -> None:
        keep = None
        if call.priority is not None:
            keep = Keep(priority=Priority(call.priority), seconds=call.seconds)
        handle = self.world.manager.allocate(self._id(call.request), keep=keep)
        self._table(call.request).append(Entry(handle))

    def fill(self, call: calls.Fill) -> None:
        entry, world = self._entry(call), self.world
        if entry is not None and not entry.is_cached and self._may_launch:
            view, handle = world.manager.view(entry.handle), entry.handle
            tag = Tag(handle.block, handle.generation, self._id(call.request))
            data = world.contents.of(call.key, tag)
            world.block_bytes.write(
                world.device, view, data, world.compute, label=f"fill {call.key}"
            )
            entry.key = call.key

    def read(self, call: calls.Read) -> None:
        entry, world = self._entry(call), self.world
        if entry is None or entry.key is None or not self._may_launch:
            return
        wrong = world.contents.reader(entry.handle.block, entry.key)
        take = partial(world.take, wrong, who=f"A kernel for request {call.request}")
        view = world.manager.view(entry.handle)
        world.block_bytes.read(world.device, view, world.compute, take, label=f"read {entry.key}")

    def commit(self, call: calls.Commit) -> None:
        entry = self._entry(call)
        if entry is None or entry.key is None:
            return
        stored = self.world.manager.commit(entry.handle, self._id(call.request), key_of(entry.key))
        entry.is_cached = stored is Stored.STORED

    def release(self, call: calls.Release) -> None:
        entry = self._entry(call)
        if entry is None:
            return
        self.world.manager.release(entry.handle, self._id(call.request))
        self._table(call.request).remove(entry)
        self.released = entry.handle, call.request

    def release_all(self, call: calls.ReleaseAll) -> None:
        table = self.tables.pop(call.request, [])
        count = self.world.manager.release_request(self._id(call.request))
        if count != len(table):
            raise Accepted(f"release_request let go of {count} blocks, and {len(table)} were held")
        if table:
            self.released = table[0].handle, call.request

    # ---- readers

    def pin(self, call: calls.Pin) -> None:
        entry = self._entry(call)
        if entry is not None:
            receipt = self.world.manager.pin(entry.handle)
            self.receipts.append(Pinned(receipt, entry.key if entry.is_cached else None))

    def pin_key(self, call: calls.PinKey) -> None:
        receipt = self.world.manager.pin_key(key_of(call.key))
        if receipt is not None:
            self.receipts.append(Pinned(receipt, call.key))

    def read_pinned(self, call: calls.ReadPinned) -> None:
        pinned, device = self._pinned(call.receipt), self.world.device
        if pinned is None or pinned.key is None:
            return
        wrong = self.world.contents.reader(pinned.receipt.handle.block, pinned.key)
        stream, wire = self._wire()
        for mark in pinned.receipt.after:
            device.wait(stream, mark)
        device.copy(wire.view(), pinned.receipt.view, stream, label="send")
        device.synchronize(stream)
        self.world.take(wrong, device.host_read(wire.view()), who="The reader of a pin")

    def unpin(self, call: calls.Unpin) -> None:
        pinned = self._pinned(call.receipt)
        if pinned is not None:
            self.world.manager.unpin(pinned.receipt)
            self.receipts[call.receipt] = None
            self.unpinned = pinned.receipt

    # ---- the rest

    def again(self, call: calls.Again) -> None:
        if call.of == "unpin":
            if self.unpinned is not None:
                self.world.manager.unpin(self.unpinned)
                raise Accepted("a pin was undone twice")
            return
        if self.released is None:
            return
        handle, request = self.released
        if any(entry.handle == handle for entry in self.tables.get(request, ())):
            return
        if call.of == "commit":
            self.world.manager.commit(handle, self._id(request), key_of(0))
        else:
            self.world.manager.release(handle, self._id(request))
        raise Accepted(f"a {call.of} after the release was accepted")

    def poll(self, call: calls.Poll) -> None:
        self.world.manager.poll()

    def refresh(self, call: calls.Refresh) -> None:
        self.world.clock.now += max(0, call.seconds)
        self.world.manager.refresh()

    # ---- places

    @property
    def _may_launch(self) -> bool:
        return self.number == 0 and not self.world.is_step_open

    def _id(self, request: int) -> RequestId:
        return RequestId(self.number * REQUESTS_A_TASK + request)

    def _table(self, request: int) -> list[Entry]:
        return self.tables.setdefault(request, [])

    def _entry(
        self, call: calls.Fill | calls.Read | calls.Commit | calls.Release | calls.Pin
    ) -> Entry | None:
        table = self.tables.get(call.request, ())
        return table[call.place] if 0 <= call.place < len(table) else None

    def _pinned(self, place: int) -> Pinned | None:
        return self.receipts[place] if 0 <= place < len(self.receipts) else None

    def _wire(self) -> tuple[Stream, Buffer]:
        if self._network is None:
            device = self.world.device
            stream = device.stream(f"network{self.number}")
            wire = device.alloc(self.world.contents.slot_bytes, Space.PINNED, label="wire")
            self._network = stream, wire
        return self._network


# Any: each function takes the one kind of call under which it is entered
_MEANINGS: Mapping[type, Callable[[Hands, Any], None]] = {
    calls.BeginStep: Hands.begin_step,
    calls.EndStep: Hands.end_step,
    calls.Acquire: Hands.acquire,
    calls.Allocate: Hands.allocate,
    calls.Fill: Hands.fill,
    calls.Read: Hands.read,
    calls.Commit: Hands.commit,
    calls.Release: Hands.release,
    calls.ReleaseAll: Hands.release_all,
    calls.Pin: Hands.pin,
    calls.PinKey: Hands.pin_key,
    calls.ReadPinned: Hands.read_pinned,
    calls.Unpin: Hands.unpin,
    calls.Again: Hands.again,
    calls.Poll: Hands.poll,
    calls.Refresh: Hands.refresh,
}
