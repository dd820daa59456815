"""The block manager: what a scheduler and a remote reader call.

It decides which action a call becomes, whose handle is good, and that one lock covers each call;
what an action does is the pool's business. The idea: every guard is checked before the first
change, so a call that raises has changed nothing and may be made again.

Threads: every method takes the one lock and may be called from any thread. Order against the
device is the caller's part: kernels that use blocks are launched on the compute stream, and never
between `begin_step` and `end_step`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from kvimpl.blocks import policy, refusals
from kvimpl.blocks.copies import COPYING, Stage
from kvimpl.blocks.entry import Entry
from kvimpl.blocks.handles import BlockHandle, ManagerMark, Miss, PinReceipt, Stored
from kvimpl.blocks.pages import device_table
from kvimpl.blocks.pool import BlockPool
from kvimpl.blocks.settings import Keep, PoolSettings, check_keep
from kvimpl.blocks.slots import SlotMemory
from kvimpl.device.port import Device, DeviceError, View
from kvimpl.device.port import Stream as DeviceStream
from kvspec.events import (
    BeginStep,
    BlockId,
    EndStep,
    Key,
    Level,
    Observation,
    PinId,
    Reporter,
    RequestId,
    Shape,
    SlotId,
    Stream,
)


class BlockManager:
    """Blocks for requests, over device and host memory.

    `compute` is the stream of the kernels that read and write blocks. `clock` is in seconds and
    never goes back. `reporter` is told every step under the lock; without one, nothing is built
    for it. `pool` is the class of the bookkeeping, which the known bugs replace. `name` tells the
    streams and locks of several managers on one device apart.

    Raises:
        DeviceFault: the device gave no streams; nothing stays allocated.
        PoolTooLarge: the device gave no memory for the slots; nothing stays allocated.
    """

    def __init__(
        self,
        device: Device,
        settings: PoolSettings,
        *,
        compute: DeviceStream,
        clock: Callable[[], float],
        reporter: Reporter | None = None,
        pool: type[BlockPool] = BlockPool,
        name: str = "kv",
    ) -> None:
        self.settings, self.reporter = settings, reporter
        self._lock = device.lock(f"{name}.pool")
        self._memory = SlotMemory(device, settings.shape, slot_bytes=settings.slot_bytes)
        try:
            self._copies = pool.make_copies(device, self._memory, compute, name=name)
        except DeviceError as error:
            self._memory.free()
            raise refusals.no_streams(name, error) from error
        self._pool = pool(settings, self._copies, clock=clock, reporter=reporter)
        self._mark = ManagerMark()
        self._tables: dict[RequestId, list[BlockId]] = {}
        self._live_pins: dict[PinId, BlockId] = {}
        self._next_pin = 0
        self._entry = Entry(self._lock)

    # ---- the step

    def begin_step(self) -> None:
        """Copies from now on come after all compute launched so far.

        Raises:
            StepError: a step is open.
        """
        with self._entered():
            if self._copies.stage is not Stage.BETWEEN:
                self._pool.refuse("begin_step", "the copies of the last step are ordered")
                raise refusals.step_open()
            self._copies.begin_step()
            if self.reporter is not None:
                self.reporter.report(BeginStep(), self._pool)

    def end_step(self) -> None:
        """Compute from now on comes after all copies sent so far.

        Raises:
            StepError: no step is open.
        """
        with self._entered():
            self._check_step("end_step")
            self._copies.end_step()
            if self.reporter is not None:
                self.reporter.report(EndStep(), self._pool)

    # ---- requests

    def allocate(self, request: RequestId, *, keep: Keep | None = None) -> BlockHandle:
        """An empty primary block, at the end of the request's table.

        It is the oldest free one. What it cached moves to host memory if it is worth a copy, a
        host block is free and the copy stream takes one more; else it is forgotten. `keep` says
        how the block is to be kept once it is free again; by default for good, at the default
        priority.

        Raises:
            NoFreeBlock: every primary block is held, pinned or in a copy.
            StepError: no step is open.
            SizeError: `keep` names a priority or time that does not exist.
            DeviceFault: the copy was refused.
        """
        wanted = self._pool.by_default if keep is None else keep
        if keep is not None:
            check_keep(keep, self.settings.priority_count)
        with self._entered():
            self._check_step("allocate")
            block = policy.oldest_primary(self._pool, Stream.OFFLOAD)
            if block is None:
                self._pool.refuse("allocate", "a primary block is free", request=request)
                raise refusals.no_free_block(self._pool)
            spare = policy.spare_for(self._pool, block, request)
            if spare is None:
                self._pool.allocate(block, request, wanted)
            else:
                block = self._pool.offload_allocate(block, spare, request, wanted)
            return self._add(request, block)

    def acquire(self, request: RequestId, key: Key) -> BlockHandle | Miss:
        """The block that caches `key`, in device memory, at the end of the request's table.

        A block in host memory is onboarded: it is this request's at once, and its bytes are there
        for compute launched after `end_step`. How it is kept stays as it was asked.

        Raises:
            AlreadyHeld: the request holds the block.
            StepError: no step is open.
            DeviceFault: the copy was refused.
        """
        with self._entered():
            self._check_step("acquire")
            block = self._pool.block_of.get(key)
            if block is None:
                return Miss.UNKNOWN
            if request in self._pool.holders[block]:
                self._pool.refuse(
                    "reuse", "the request does not hold it yet", block=block, request=request
                )
                raise refusals.already_held(block, request)
            if self._pool.is_at_hand(block):
                miss = policy.reuse_or_miss(self._pool, block, request, key)
            else:
                miss = policy.onboard_or_miss(self._pool, block, request, key)
            return self._add(request, block) if miss is None else miss

    def commit(self, handle: BlockHandle, request: RequestId, key: Key) -> Stored:
        """The request has filled the block with the content of `key`, and it becomes reusable.

        The kernel that fills it has been launched on the compute stream. A key that is known
        already leaves the block private to its request.

        Raises:
            NotHeld, StaleHandle, ForeignHandle: not this request's block.
            AlreadyCached: the block has a key.
            CopyInFlight: a copy still uses the block's slot.
            SizeError: the key is empty.
        """
        refusals.check_key(key)
        with self._entered():
            block = self._held(handle, request, "commit")
            if self._pool.keys[block] is not None:
                self._pool.refuse("commit", "it is not cached yet", block=block, request=request)
                raise refusals.already_cached(block)
            if self._pool.is_in_flight(block):
                policy.poll(self._pool)
            if self._pool.is_in_flight(block):
                self._pool.refuse("commit", "no copy uses its slot", block=block, request=request)
                raise refusals.copy_in_flight(block)
            if key in self._pool.block_of:
                return Stored.DUPLICATE
            self._pool.commit(block, request, key, self._copies.mark_compute())
            return Stored.STORED

    def release(self, handle: BlockHandle, request: RequestId) -> None:
        """The request lets go of a block.

        Raises:
            NotHeld, StaleHandle, ForeignHandle: not this request's block.
        """
        with self._entered():
            self._release(self._held(handle, request, "release"), request)

    def release_request(self, request: RequestId) -> int:
        """The request lets go of its whole table, last block first; how many that were.

        The order makes the end of a prefix older than its beginning, so it is evicted first. A
        request without blocks has nothing to let go.
        """
        with self._entered():
            table = list(self._tables.get(request, ()))
            for block in reversed(table):
                self._release(block, request)
            return len(table)

    # ---- readers

    def pin(self, handle: BlockHandle) -> PinReceipt:
        """A reader outside the scheduler holds the block in its slot, wherever that is.

        Raises:
            StaleHandle, ForeignHandle: the handle's block is not what it was.
            NotCached: the block is neither cached nor held, so it has no content.
            LimitReached: the block has as many pins or references as the settings allow.
        """
        with self._entered():
            block = self._checked(handle)
            if self._pool.keys[block] is None and not self._pool.refs[block]:
                raise refusals.not_cached(block)
            return self._pin(block)

    def pin_key(self, key: Key) -> PinReceipt | None:
        """The same for the block that caches `key`; None if there is none.

        Raises:
            LimitReached: the block has as many pins or references as the settings allow.
        """
        with self._entered():
            block = self._pool.block_of.get(key)
            return None if block is None else self._pin(block)

    def unpin(self, receipt: PinReceipt) -> None:
        """The reader is done, its reads included.

        Raises:
            NotPinned: the pin was undone before.
            ForeignHandle: the receipt is another manager's.
        """
        with self._entered():
            if receipt.handle.manager is not self._mark:
                raise refusals.foreign(receipt.handle)
            block = self._live_pins.get(receipt.pin)
            if block is None:
                if not self._pool.pins[receipt.handle.block]:  # else only this receipt is spent
                    self._pool.refuse("unpin", "it is pinned", block=receipt.handle.block)
                raise refusals.not_pinned(receipt.pin)
            self._pool.unpin(block, receipt.pin)
            del self._live_pins[receipt.pin]

    # ---- time and the device

    def poll(self) -> int:
        """See which copies are complete; how many were. Blocks that waited for them are free."""
        with self._entered():
            return policy.poll(self._pool)

    def refresh(self) -> int:
        """Demote the free blocks whose time of special priority is over; how many were."""
        with self._entered():
            now, count = self._pool.clock(), 0
            while (block := self._pool.expiries.pop_due(now)) is not None:
                self._pool.expire(block)
                count += 1
            return count

    def close(self) -> None:
        """Wait for the device, then give the memory back; closing twice is once.

        A broken manager gives nothing back: the device that failed takes its memory with it.

        Raises:
            StillInUse: a request holds a block, or a reader pins one.
        """
        with self._lock:
            entry = self._entry
            if entry.closed:
                return
            if entry.fault is None and (any(self._tables.values()) or self._live_pins):
                raise refusals.still_in_use(self._tables, self._live_pins)
            entry.closed = True
            if entry.fault is None:
                self._copies.drain()
                self._memory.free()

    # ---- questions

    @property
    def shape(self) -> Shape:
        """The sizes that a reporter is told."""
        return self._pool.shape

    def observe(self) -> Observation:
        """The state, as a reporter would be shown it."""
        with self._lock:
            return self._pool.observe()

    def free_count(self, level: Level) -> int:
        """Blocks of the level that can be taken now."""
        with self._lock:
            return self._pool.queues.counts[level]

    def table(self, request: RequestId) -> tuple[BlockHandle, ...]:
        """The request's blocks, first to last."""
        with self._lock:
            return tuple([self._handle(b) for b in self._tables.get(request, ())])

    def page_table(self, request: RequestId) -> bytes:
        """The same as a kernel reads it: 32 bits a block, little-endian."""
        with self._lock:
            slots = [self._pool.slot[b] for b in self._tables.get(request, ())]
            return device_table(slots, self._pool.shape)

    def slot_of(self, handle: BlockHandle) -> SlotId:
        """Where the block is now; it stays there while it is held or pinned.

        Raises:
            StaleHandle, ForeignHandle: the handle's block is not what it was.
        """
        with self._lock:
            return self._pool.slot[self._checked(handle)]

    def view(self, handle: BlockHandle) -> View:
        """The block's bytes, where they are now.

        Raises:
            StaleHandle, ForeignHandle: the handle's block is not what it was.
        """
        return self._memory.view(self.slot_of(handle))

    # ---- building blocks, under the lock

    def _entered(self) -> AbstractContextManager[None]:
        return self._entry

    def _pin(self, block: BlockId) -> PinReceipt:
        if self._pool.pins[block] >= self.settings.pins_max:
            self._pool.refuse("pin", "the pin fits its counter", block=block)
            raise refusals.limit("pins", block, self.settings.pins_max)
        if self._pool.refs[block] >= self.settings.references_max:
            self._pool.refuse("pin", "the reference fits the counter", block=block)
            raise refusals.limit("references", block, self.settings.references_max)
        pin = PinId(self._next_pin)
        self._next_pin += 1
        self._pool.pin(block, pin)
        self._live_pins[pin] = block
        slot, ready = self._pool.slot[block], self._pool.ready[block]
        after = () if ready is None else (ready,)
        return PinReceipt(pin, self._handle(block), slot, self._memory.view(slot), after)

    def _release(self, block: BlockId, request: RequestId) -> None:
        self._pool.release(block, request)
        table = self._tables[request]
        table.remove(block)
        if not table:
            del self._tables[request]

    def _add(self, request: RequestId, block: BlockId) -> BlockHandle:
        self._tables.setdefault(request, []).append(block)
        return self._handle(block)

    def _handle(self, block: BlockId) -> BlockHandle:
        return BlockHandle(block, self._pool.generations[block], self._mark)

    def _check_step(self, action: str) -> None:
        if self._copies.stage is not COPYING:
            raise refusals.no_step(action)

    def _checked(self, handle: BlockHandle) -> BlockId:
        if handle.manager is not self._mark:
            raise refusals.foreign(handle)
        now = self._pool.generations[handle.block]
        if handle.generation != now:
            raise refusals.stale(handle, now)
        return handle.block

    def _held(self, handle: BlockHandle, request: RequestId, action: str) -> BlockId:
        block = self._checked(handle)
        if request not in self._pool.holders[block]:
            self._pool.refuse(action, "the request holds it", block=block, request=request)
            raise refusals.not_held(block, request)
        return block
