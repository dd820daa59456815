"""One method an action: queues, references, pins, slots and copies change together, or not at all.

It decides what an action does once it was chosen; which action, whose handle and under which lock
is the manager's business, which checks every guard first. The idea: state is one row a variable,
indexed by block, so that it can be shown at each step for next to nothing; a block's level is read
from its slot, so whatever names a queue must be read before the slots change.
"""

from __future__ import annotations

from collections.abc import Callable

import kvspec.events as events
from kvimpl.blocks.copies import CopyStreams, Sent
from kvimpl.blocks.errors import DeviceFault
from kvimpl.blocks.expiry import Expiries
from kvimpl.blocks.queue import FreeQueues, NamedQueues, StoredQueues, Ticket
from kvimpl.blocks.rows import Board, Row, SparseRow
from kvimpl.blocks.settings import Keep, PoolSettings, QueueDesign
from kvimpl.blocks.slots import SlotMemory
from kvimpl.device.port import Device, Mark
from kvimpl.device.port import Stream as DeviceStream
from kvspec.events import (
    BlockId,
    CopyId,
    Detail,
    End,
    Generation,
    Key,
    Level,
    Observation,
    PinId,
    Reporter,
    RequestId,
    SlotId,
    Stream,
)

FREE, FREE_COUNT, PENDING, EXPIRING = map(
    Observation._fields.index, ("free", "free_count", "pending", "expiring")
)


class BlockPool:
    """Blocks, and who owns them while their bytes move.

    Every method but the questions expects its guard to hold and the lock to be held. Rows are
    indexed by block: `slot`, `refs`, `pins`, `holders`, `keys` (None: not cached), `generations`,
    `priority`, `seconds` (None: kept for good), `deadline`, and `ready`: the mark after which a
    cached block's bytes are whole.
    """

    def __init__(
        self,
        settings: PoolSettings,
        copies: CopyStreams,
        *,
        clock: Callable[[], float],
        reporter: Reporter | None,
    ) -> None:
        self.settings, self.shape, self.copies = settings, settings.shape, copies
        self.by_default = Keep(priority=settings.default_priority)
        self.clock = clock
        self.reporter = reporter
        self.part_reporter = (
            reporter if reporter is not None and reporter.detail is Detail.PARTS else None
        )
        blocks = [BlockId(i) for i in range(self.shape.block_count)]
        board = self._board = Board()
        self.slot = Row(board, "slot", [SlotId(b) for b in blocks])
        self.refs = Row(board, "refs", [0 for _ in blocks])
        self.pins = Row(board, "pins", [0 for _ in blocks])
        self.holders = Row(board, "holders", [frozenset[RequestId]() for _ in blocks])
        self.keys = SparseRow[Key](board, "keys", [None for _ in blocks], present="cached")
        self.generations = Row(board, "generations", [Generation(0) for _ in blocks])
        self.priority = Row(board, "priority", [settings.default_priority for _ in blocks])
        self.seconds = SparseRow[float](board, None, [None for _ in blocks], present="timed")
        self.deadline: list[float | None] = [None for _ in blocks]
        self.ready: list[Mark | None] = [None for _ in blocks]
        self.block_of: dict[Key, BlockId] = {}
        self.block_in = list(blocks)
        self._level_in = [self.shape.level_of(SlotId(b)) for b in blocks]
        self.expiries = Expiries()
        self.queues: FreeQueues = self.make_queues(settings)
        for b in blocks:
            self.queues.put(b, self.level_of(b), self.priority[b], end=End.BACK)

    @classmethod
    def make_copies(
        cls, device: Device, memory: SlotMemory, compute: DeviceStream, *, name: str
    ) -> CopyStreams:
        """The copy streams that this kind of pool works with."""
        return CopyStreams(device, memory, compute=compute, name=name)

    # ---- vocabulary

    def make_queues(self, settings: PoolSettings) -> FreeQueues:
        """Empty queues of the design that the settings name."""
        if settings.queues is QueueDesign.STORED:
            return StoredQueues(priority_count=settings.priority_count)
        return NamedQueues(priority_count=settings.priority_count)

    def level_of(self, b: BlockId) -> Level:
        return self._level_in[self.slot[b]]

    def is_in_flight(self, b: BlockId) -> bool:
        return self.copies.is_in_flight(self.slot[b])

    def is_idle(self, b: BlockId) -> bool:
        return self.refs[b] == 0 and not self.copies.is_in_flight(self.slot[b])

    def observe(self) -> Observation:
        """All that can be judged, as it is now: blind only to `queued`, which `free` implies."""
        cells = self._board.cells()
        cells[FREE] = self.queues.order()
        cells[FREE_COUNT] = tuple(self.queues.counts)
        cells[PENDING] = self.copies.in_flight()
        cells[EXPIRING] = self.expiries.waiting()
        return tuple.__new__(Observation, cells)  # as its own constructor does, without its names

    # ---- building blocks

    def claim(self, b: BlockId) -> Ticket:
        """The block leaves the queue of its level and priority, and no longer awaits expiry."""
        level, priority = self.level_of(b), self.priority[b]
        ticket = self.queues.claim(b, level, priority)
        self.expiries.cancel(b)
        if self.part_reporter is not None:
            self.part_reporter.report(events.Claim(b, level, priority), self)
        return ticket

    def put_back(self, b: BlockId, *, end: End = End.BACK, ticket: Ticket | None = None) -> None:
        """The block joins the queue of its level and priority, and its time begins or goes on."""
        level, priority = self.level_of(b), self.priority[b]
        self.queues.put(b, level, priority, end=end, ticket=ticket)
        seconds = self.seconds[b]
        if seconds is not None and priority != self.settings.default_priority:
            deadline = self.deadline[b]
            if deadline is None:
                deadline = self.deadline[b] = self.clock() + seconds
            self.expiries.schedule(b, deadline)
        if self.part_reporter is not None:
            self.part_reporter.report(events.PutBack(b, level, priority, end), self)

    def release_if_idle(self, b: BlockId) -> None:
        if self.is_idle(b):
            self.put_back(b)

    def hold(self, b: BlockId, r: RequestId) -> None:
        self.holders[b] |= {r}
        self.refs[b] += 1
        self.deadline[b] = None

    def swap(self, a: BlockId, b: BlockId) -> None:
        """Two claimed blocks exchange their slots; bytes are the copies' business."""
        self.slot[a], self.slot[b] = self.slot[b], self.slot[a]
        self.block_in[self.slot[a]] = a
        self.block_in[self.slot[b]] = b
        if self.part_reporter is not None:
            self.part_reporter.report(events.Swap(a, b), self)

    def forget(self, b: BlockId) -> None:
        """The block caches nothing any more."""
        key = self.keys[b]
        self.ready[b] = None
        if key is None:
            return
        self.keys[b] = None
        del self.block_of[key]
        if self.part_reporter is not None:
            self.part_reporter.report(events.Evict(b, key), self)

    def ask(self, b: BlockId, keep: Keep) -> None:
        """A block, which is in no queue, is to be kept like this from when it is next free."""
        if (self.priority[b], self.seconds[b]) == (keep.priority, keep.seconds):
            return
        self.priority[b], self.seconds[b] = keep.priority, keep.seconds
        self.deadline[b] = None
        if self.part_reporter is not None:
            part = events.Ask(b, keep.priority, keep.seconds is not None)
            self.part_reporter.report(part, self)

    def send(self, stream: Stream, source: BlockId, target: BlockId) -> Sent:
        """A copy from one claimed block's slot to another's is enqueued."""
        sent = self.copies.send(stream, self.slot[source], self.slot[target])
        self.ready[source] = sent.mark
        if self.part_reporter is not None:
            part = events.SendCopy(sent.copy, stream, sent.source, sent.target)
            self.part_reporter.report(part, self)
        return sent

    def send_or_restore(
        self, stream: Stream, source: BlockId, target: BlockId, tickets: tuple[Ticket, Ticket]
    ) -> CopyId:
        """The copy, or both blocks are put back where they were and the fault is raised."""
        try:
            return self.send(stream, source, target).copy
        except DeviceFault:
            for b, ticket in zip((source, target), tickets, strict=True):
                self.put_back(b, end=End.AGAIN, ticket=ticket)
            raise

    # ---- actions of requests

    def allocate(self, b: BlockId, r: RequestId, keep: Keep) -> None:
        """The oldest free primary block is taken, and whatever it cached is forgotten."""
        self.claim(b)
        self.hand_out(b, r, keep)
        if self.reporter is not None:
            step = events.Allocate(r, b, self.slot[b], self.generations[b])
            self.reporter.report(step, self)

    def offload_allocate(
        self, victim: BlockId, spare: BlockId, r: RequestId, keep: Keep
    ) -> BlockId:
        """The victim's bytes move down, and the spare takes its slot: the order is what S1 is.

        Raises:
            DeviceFault: the copy was refused; nothing changed.
        """
        tickets = self.claim(victim), self.claim(spare)
        copy = self.send_or_restore(Stream.OFFLOAD, victim, spare, tickets)
        self.swap(victim, spare)
        self.hand_out(spare, r, keep)
        if self.reporter is not None:
            step = events.OffloadAllocate(
                r, Stream.OFFLOAD, spare, victim, copy, self.generations[spare]
            )
            self.reporter.report(step, self)
        return spare

    def hand_out(self, b: BlockId, r: RequestId, keep: Keep) -> None:
        """A claimed block gets a new life: nothing cached, one holder, its wishes on record."""
        self.forget(b)
        self.ask(b, keep)
        self.generations[b] = Generation(self.generations[b] + 1)
        self.hold(b, r)

    def onboard(self, b: BlockId, room: BlockId, r: RequestId, key: Key) -> None:
        """A cached block's bytes go up to the slot of the oldest free primary block.

        Raises:
            DeviceFault: the copy was refused; nothing changed.
        """
        tickets = self.claim(b), self.claim(room)
        copy = self.send_or_restore(Stream.ONBOARD, b, room, tickets)
        self.swap(b, room)
        self.forget(room)
        self.ask(room, self.by_default)
        self.hold(b, r)
        if self.reporter is not None:
            step = events.Onboard(b, r, Stream.ONBOARD, room, copy, key)
            self.reporter.report(step, self)

    def reuse(self, b: BlockId, r: RequestId, key: Key) -> None:
        """A request holds a cached primary block too."""
        if self.queues.holds(b):
            self.claim(b)
        self.hold(b, r)
        if self.reporter is not None:
            self.reporter.report(events.Reuse(b, r, key), self)

    def commit(self, b: BlockId, r: RequestId, key: Key, ready: Mark) -> None:
        """The one holder has filled the block: it becomes reusable."""
        self.keys[b] = key
        self.block_of[key] = b
        self.ready[b] = ready
        if self.reporter is not None:
            self.reporter.report(events.Commit(b, r, key), self)

    def release(self, b: BlockId, r: RequestId) -> None:
        """A request lets go of a block."""
        self.holders[b] -= {r}
        self.refs[b] -= 1
        self.release_if_idle(b)
        if self.reporter is not None:
            self.reporter.report(events.Release(b, r), self)

    # ---- actions of others

    def pin(self, b: BlockId, pin: PinId) -> None:
        """A reader outside the scheduler holds a block where it is."""
        if self.queues.holds(b):
            self.claim(b)
        self.pins[b] += 1
        self.refs[b] += 1
        if self.reporter is not None:
            self.reporter.report(events.Pin(b, pin, self.slot[b]), self)

    def unpin(self, b: BlockId, pin: PinId) -> None:
        """The reader is done with the block."""
        self.pins[b] -= 1
        self.refs[b] -= 1
        self.release_if_idle(b)
        if self.reporter is not None:
            self.reporter.report(events.Unpin(b, pin), self)

    def complete(self, stream: Stream) -> bool:
        """The oldest copy of a stream, if it is complete, frees what nobody holds.

        Raises:
            Broken: the device failed.
        """
        sent = self.copies.pop_complete(stream)
        if sent is None:
            return False
        self.release_if_idle(self.block_in[sent.target])
        self.release_if_idle(self.block_in[sent.source])
        if self.reporter is not None:
            step = events.Complete(stream, sent.copy, sent.source, sent.target)
            self.reporter.report(step, self)
        return True

    def expire(self, b: BlockId) -> None:
        """A free block's time is over: it becomes the youngest of the default priority."""
        self.claim(b)
        self.ask(b, self.by_default)
        self.put_back(b)
        if self.reporter is not None:
            self.reporter.report(events.Expire(b), self)

    # ---- what the manager asks before it acts

    def refuse(
        self,
        action: str,
        guard: str,
        *,
        request: RequestId | None = None,
        block: BlockId | None = None,
        stream: Stream | None = None,
    ) -> None:
        """Tell that an action was wanted and its guard was false."""
        if self.reporter is not None:
            step = events.Refuse(action, guard, request, block, stream)
            self.reporter.report(step, self)

    def is_at_hand(self, b: BlockId) -> bool:
        """Whether a request can hold the block where it is."""
        return self.level_of(b) is Level.PRIMARY

    def can_move(self, b: BlockId) -> bool:
        """Whether the block may change its slot: nobody reads it, holds it or copies it."""
        return self.queues.holds(b)

    def is_worth_a_copy(self, b: BlockId) -> bool:
        """Whether the block's priority is high enough for host memory."""
        return self.priority[b] >= self.settings.offload_priority_min

    def takes_a_copy(self, stream: Stream) -> bool:
        """Whether one more copy may be in flight on the stream."""
        return len(self.copies.pending[stream]) < self.settings.copies_max
