"""The manager: what a scheduler and readers on other threads call, cut where the lock is free.

It decides which critical sections a call has; what a line of one changes is the books' affair, and
when a copy runs the lanes'. The idea is the design `remote`: one lock covers blocks, queues, counts
and the note of pending writes; a copy is sent without it, by a thread that holds a reference; who
comes back looks again whether a reader has come, in the section that swaps, and keeps the lock to
the end of the allocation. If one has, the block stays where the reader was told.

Threads: any may call anything. One lock more lets one thread at a time be the scheduler; it is
taken before the pool's, never inside.
"""

from __future__ import annotations

from kvimpl.blocks import refusals as said
from kvimpl.blocks.entry import Entry
from kvimpl.blocks.errors import BlockError, Broken
from kvimpl.blocks.handles import BlockHandle, ManagerMark, Miss, PinReceipt, Stored
from kvimpl.blocks.pages import device_table
from kvimpl.blocks.settings import PoolSettings
from kvimpl.blocks.slots import SlotMemory
from kvimpl.device.port import Device, DeviceError, View
from kvimpl.device.port import Stream as DeviceStream
from kvimpl.shared import refusals, steps
from kvimpl.shared.books import THE_ONE, Books, Note
from kvimpl.shared.lanes import Lanes, Sent
from kvimpl.shared.moves import Move
from kvspec.events import (
    BlockId,
    End,
    Generation,
    Key,
    Level,
    PinId,
    RequestId,
    Shape,
    SlotId,
    Stream,
)


class SharedManager:
    """Blocks for requests and readers, over device and host memory.

    `compute` is the stream of the kernels that read and write blocks. `reporter` is told every
    atomic step. `books` is the class of the bookkeeping, which the known bugs replace. Of the
    settings only the sizes and `references_max` count: there is one queue a level.

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
        reporter: steps.SharedReporter | None = None,
        books: type[Books] = Books,
        name: str = "kv",
    ) -> None:
        self.settings, self.reporter = settings, reporter
        self._device, self._compute = device, compute
        self._memory = SlotMemory(device, settings.shape, slot_bytes=settings.slot_bytes)
        try:
            self._lanes = Lanes(device, self._memory, compute=compute, name=name)
        except DeviceError as error:
            self._memory.free()
            raise said.no_streams(name, error) from error
        self._books = books(device, settings, name)
        self._jobs = device.lock(f"{name}.jobs")
        self._pool = device.lock(f"{name}.pool")
        self._entry = Entry(self._pool)
        self._filled = device.event(f"{name} filled")
        self._mark = ManagerMark()

    # ---- the scheduler

    def allocate(self, request: RequestId) -> BlockHandle:
        """An empty primary block, at the end of the request's table: the oldest free one.

        What it cached moves to host memory if a host block is free; else it is forgotten. If a
        reader comes to it while it is copied, it stays, and the next one is tried: as many as there
        are primary blocks. A kernel that is launched on the compute stream from now on may write
        the block.

        Raises:
            NoFreeBlock: every primary block is held or pinned, or readers came to each.
            DeviceFault: the copy was refused.
        """
        with self._jobs:
            for _ in range(self.shape.primary_count):
                got = self._claim_for(request)
                if isinstance(got, BlockHandle):
                    return got
                handle = self._land_down(got, self._send(got))
                if handle is not None:
                    return handle
            raise refusals.readers_everywhere(self.shape)

    def acquire(self, request: RequestId, key: Key) -> BlockHandle | Miss:
        """The block that caches `key`, in device memory, at the end of the request's table.

        A kernel that is launched on the compute stream from now on may read the block.

        Raises:
            AlreadyHeld: the request holds the block.
            DeviceFault: the copy was refused.
        """
        with self._jobs:
            got = self._match_for(request, key)
            return self._land_up(got, self._send(got)) if isinstance(got, Move) else got

    def release(self, handle: BlockHandle, request: RequestId) -> None:
        """The request lets go of a block.

        Raises:
            NotHeld, StaleHandle, ForeignHandle: not this request's block.
        """
        with self._jobs, self._entry:
            self._release(self._held(handle, request), request)

    def release_request(self, request: RequestId) -> int:
        """The request lets go of its whole table, last block first; how many that were."""
        with self._jobs, self._entry:
            table = self._books.tables[THE_ONE].get(request, ())
            for block in reversed(table):
                self._release(block, request)
            return len(table)

    def commit(self, handle: BlockHandle, request: RequestId, key: Key) -> Stored:
        """The request has filled the block with the content of `key`, and others find it.

        The kernel that fills it has been launched on the compute stream. A key that is known
        already leaves the block private to its request.

        Raises:
            NotHeld, StaleHandle, ForeignHandle: not this request's block.
            AlreadyCached: the block has a key.
            SizeError: the key is empty.
            DeviceFault, Broken: the device refused or failed.
        """
        said.check_key(key)
        try:
            mark = self._device.record(self._filled, self._compute)
        except DeviceError as error:
            with self._entry:  # which a failure of the device closes for good
                raise refusals.not_marked(error) from error
        with self._entry:
            block = self._held(handle, request)
            if self._books.keys[block] is not None:
                raise said.already_cached(block)
            if self._books.find(key) is not None:
                return Stored.DUPLICATE
            self._books.cache(block, key, mark)
            self._tell(steps.Committed(request, block, key))
            return Stored.STORED

    # ---- readers

    def pin_key(self, key: Key) -> PinReceipt | None:
        """A reader holds the block that caches `key` in its slot; None if there is none.

        Its bytes are whole once the marks of the receipt's `after` are complete.

        Raises:
            LimitReached: the block has as many references as the settings allow.
        """
        with self._entry:
            block = self._books.find(key)
            return None if block is None else self._pin(block)

    def pin(self, handle: BlockHandle) -> PinReceipt:
        """The same for a block whose handle is good.

        Raises:
            StaleHandle, ForeignHandle: the handle's block is not what it was.
            NotCached: the block has no content, or is in hand to be written over.
            LimitReached: the block has as many references as the settings allow.
        """
        with self._entry:
            block = self._checked(handle)
            if not self._has_content(block):
                raise said.not_cached(block)
            return self._pin(block)

    def reads(self, receipt: PinReceipt) -> None:
        """Tell that the reader has waited, and reads from here on; it changes nothing."""
        self._tell(steps.Reads(receipt.pin))

    def unpin(self, receipt: PinReceipt) -> None:
        """The reader is done, its reads included.

        Raises:
            NotPinned: the pin was undone before.
            ForeignHandle: the receipt is another manager's.
        """
        if receipt.handle.manager is not self._mark:
            raise said.foreign(receipt.handle)
        with self._entry:
            block = self._books.unpin(receipt.pin)
            if block is None:
                raise said.not_pinned(receipt.pin)
            self._books.refs[block] -= 1
            self._books.put_back(block)
            self._tell(steps.Unpinned(receipt.pin, block))

    # ---- questions, and the end

    @property
    def shape(self) -> Shape:
        """The sizes."""
        return self.settings.shape

    def observe(self) -> steps.SharedState:
        """The state, as a reporter is shown it: no use of it, and under no lock."""
        return self._books.observe()

    def free_count(self, level: Level) -> int:
        """Blocks of the level that can be taken now."""
        with self._entry:
            return self._books.counts[level]

    def table(self, request: RequestId) -> tuple[BlockHandle, ...]:
        """The request's blocks, first to last."""
        with self._entry:
            return tuple([self._handle(b) for b in self._books.tables[THE_ONE].get(request, ())])

    def page_table(self, request: RequestId) -> bytes:
        """The same as a kernel reads it: 32 bits a block, little-endian."""
        with self._entry:
            table = self._books.tables[THE_ONE].get(request, ())
            return device_table([self._books.slot[b] for b in table], self.shape)

    def slot_of(self, handle: BlockHandle) -> SlotId:
        """Where the block is now; it stays there while it is held or pinned.

        Raises:
            StaleHandle, ForeignHandle: the handle's block is not what it was.
        """
        with self._entry:
            return self._books.slot[self._checked(handle)]

    def view(self, handle: BlockHandle) -> View:
        """The block's bytes, where they are now.

        Raises:
            StaleHandle, ForeignHandle: the handle's block is not what it was.
        """
        return self._memory.view(self.slot_of(handle))

    def close(self) -> None:
        """Wait for the device, then give the memory back; closing twice is once.

        A broken manager gives nothing back: the device that failed takes its memory with it.

        Raises:
            StillInUse: a request holds a block, or a reader pins one.
        """
        with self._jobs:
            with self._pool:
                entry, books = self._entry, self._books
                if entry.closed:
                    return
                tables, pins = books.tables[THE_ONE], books.pins[THE_ONE]
                if entry.fault is None and (tables or pins):
                    raise said.still_in_use(tables, pins)
                entry.closed = True
            if entry.fault is None:
                self._lanes.drain()
                self._memory.free()

    # ---- the sections of an allocation

    def _claim_for(self, request: RequestId) -> BlockHandle | Move:
        """The look and the claim: a block for the request, or a move that makes one."""
        with self._entry:
            return self._claim(self._look_for(request), request)

    def _look_for(self, request: RequestId) -> BlockId:
        block = self._books.oldest(Level.PRIMARY)
        if block is None:
            self._tell(steps.NothingFree(request))
            raise refusals.no_free_block(self.shape)
        return block

    def _claim(self, block: BlockId, request: RequestId) -> BlockHandle | Move:
        books = self._books
        books.take(block)
        spare = None if books.keys[block] is None else books.oldest(Level.SECONDARY)
        if spare is None:
            books.forget(block)
            books.renew(block)
            books.enter(block, request)
            self._tell(steps.Allocated(request, block))
            return self._handle(block)
        books.take(spare)
        forgotten = books.forget(spare)
        self._tell(steps.ClaimedDown(request, block, spare))
        return self._move(Stream.OFFLOAD, request, block, spare, forgotten)

    def _land_down(self, move: Move, sent: Sent) -> BlockHandle | None:
        """The second look, the swap and the end of the allocation: one section."""
        with self._entry:
            if not self._may_go(move, sent):
                self._stay(move)
                return None
            self._swap(move)
            return self._arrive_down(move)

    def _may_go(self, move: Move, sent: Sent) -> bool:
        """The second look after a copy down."""
        self._books.notes[move.target] = Note(sent.mark, sent.copy)
        return not self._books.may_not_go(move.block)

    def _stay(self, move: Move) -> None:
        """A reader has come: the block stays where the reader was told, and the spare is free."""
        self._books.let_go(move.other)
        self._books.let_go(move.block)
        self._tell(steps.Stayed(move.block, move.other))

    def _arrive_down(self, move: Move) -> BlockHandle:
        """The spare has the device slot, and is the request's."""
        self._books.renew(move.other)
        self._books.enter(move.other, move.request)
        self._books.let_go(move.block)
        self._tell(steps.Arrived(move.request, move.other))
        return self._handle(move.other)

    # ---- the sections of a match

    def _match_for(self, request: RequestId, key: Key) -> BlockHandle | Miss | Move:
        """The first look: the block, why it cannot be had, or a move that brings it."""
        with self._entry:
            books = self._books
            block = books.find(key)
            if block is None:
                return Miss.UNKNOWN
            if request in books.holders[block]:
                raise said.already_held(block, request)
            if books.level_of(block) is Level.PRIMARY:
                if books.is_full(block):
                    return self._missed(request, block, Miss.SHARED_TOO_OFTEN)
                books.join(block)
                books.hold(block, request)
                self._tell(steps.Joined(request, block))
                return self._handle(block)
            if books.refs[block]:
                return self._missed(request, block, Miss.BUSY_IN_HOST)
            room = books.oldest(Level.PRIMARY)
            if room is None:
                return self._missed(request, block, Miss.NO_ROOM)
            books.take(block)
            books.take(room)
            forgotten = books.forget(room)
            self._tell(steps.ClaimedUp(request, block, room))
            return self._move(Stream.ONBOARD, request, block, room, forgotten)

    def _missed(self, request: RequestId, block: BlockId, why: Miss) -> Miss:
        self._tell(steps.Missed(request, block))
        return why

    def _land_up(self, move: Move, sent: Sent) -> BlockHandle | Miss:
        """The second look, the swap and the end of the match: one section."""
        with self._entry:
            if not self._may_come(move, sent):
                return self._leave(move)
            self._swap(move)
            return self._arrive_up(move)

    def _may_come(self, move: Move, sent: Sent) -> bool:
        """The second look after a copy up."""
        self._books.notes[move.target] = Note(sent.mark, sent.copy)
        return not self._books.may_not_come(move.block)

    def _leave(self, move: Move) -> BlockHandle | Miss:
        """A reader has come: the block stays where the reader was told, and the match is a miss."""
        self._books.let_go(move.block)
        self._books.let_go(move.other)
        self._tell(steps.Stayed(move.block, move.other))
        return Miss.BUSY_IN_HOST

    def _arrive_up(self, move: Move) -> BlockHandle:
        """The block has the device slot, and is the request's too."""
        self._books.enter(move.block, move.request)
        self._books.let_go(move.other)
        self._tell(steps.Arrived(move.request, move.block))
        return self._handle(move.block)

    # ---- building blocks

    def _send(self, move: Move) -> Sent:
        """The copy, by a thread that has a reference and not the lock."""
        try:
            return self._lanes.send(move, self._tell)
        except BlockError as error:
            with self._entry:
                if isinstance(error, Broken):
                    raise
                if move.forgotten is not None:
                    self._books.recall(move.other, move.forgotten)
                self._books.let_go(move.other, End.FRONT)
                self._books.let_go(move.block, End.FRONT)
                self._tell(steps.GaveUp(move.block, move.other))
            raise

    def _swap(self, move: Move) -> None:
        self._books.swap(move.block, move.other)
        self._tell(steps.Swapped(move.block, move.other))

    def _move(
        self,
        stream: Stream,
        request: RequestId,
        block: BlockId,
        other: BlockId,
        forgotten: Key | None,
    ) -> Move:
        slot = self._books.slot
        return Move(stream, request, block, other, slot[block], slot[other], forgotten)

    def _release(self, block: BlockId, request: RequestId) -> None:
        self._books.drop(block, request)
        self._tell(steps.Released(request, block))

    def _has_content(self, block: BlockId) -> bool:
        """Whether there is what the block was handed out for. What the scheduler has in hand and
        has forgotten a copy writes over; its generation ends only when that is done."""
        books = self._books
        is_used = books.refs[block] > 0 and not books.in_hand[block]
        return is_used or books.keys[block] is not None

    def _pin(self, block: BlockId) -> PinReceipt:
        """Look, claim, count and note: what a pin is, in one section."""
        self._check_room(block)
        self._books.join(block)
        return self._pinned(block, self._books.notes[self._books.slot[block]])

    def _check_room(self, block: BlockId) -> None:
        if self._books.is_full(block):
            self._tell(steps.Full(block))
            raise said.limit("references", block, self.settings.references_max)

    def _pinned(self, block: BlockId, note: Note | None) -> PinReceipt:
        """The receipt of a block that was joined; its bytes are whole after the note's mark."""
        pin, slot = self._books.pin(block), self._books.slot[block]
        self._tell(steps.Pinned(PinId(pin), block, slot))
        after = () if note is None else (note.mark,)
        return PinReceipt(pin, self._handle(block), slot, self._memory.view(slot), after)

    def _handle(self, block: BlockId) -> BlockHandle:
        return BlockHandle(block, self._books.generations[block], self._mark)

    def _checked(self, handle: BlockHandle) -> BlockId:
        if handle.manager is not self._mark:
            raise said.foreign(handle)
        now: Generation = self._books.generations[handle.block]
        if handle.generation != now:
            raise said.stale(handle, now)
        return handle.block

    def _held(self, handle: BlockHandle, request: RequestId) -> BlockId:
        block = self._checked(handle)
        if request not in self._books.holders[block]:
            raise said.not_held(block, request)
        return block

    def _tell(self, step: steps.SharedStep) -> None:
        if self.reporter is not None:
            self.reporter.report(step, self)
