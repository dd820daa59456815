"""What all threads share: blocks, queues, counts, pins and the note of pending writes.

It decides what one line of an operation changes; which lines make an operation, and that they are
under the lock, is the manager's business. The idea: every cell is a shared value of the device, so
each use is a scheduling point in simulation, and one that no lock orders is found there.

A claim takes a reference of the scheduler's own: a reader that comes and goes while a copy is in
flight is then never the last, and "somebody has come" is "there is more than my own reference".
"""

from __future__ import annotations

from dataclasses import dataclass

from kvimpl.blocks.errors import QueueFault
from kvimpl.blocks.queue import Line
from kvimpl.blocks.settings import PoolSettings
from kvimpl.device.port import Device, Mark
from kvimpl.device.port.shared_row import SharedRow
from kvimpl.shared.steps import SharedState
from kvspec.events import (
    BlockId,
    CopyId,
    End,
    Generation,
    Key,
    Level,
    PinId,
    RequestId,
    Shape,
    SlotId,
)

THE_ONE = 0
"""The place of what there is once a manager."""


@dataclass(frozen=True, slots=True)
class Note:
    """After which mark a slot's bytes are whole; `copy` is what writes them, None for a kernel."""

    mark: Mark
    copy: CopyId | None


class Books:
    """Rows by block: `slot`, `refs`, `holders`, `in_hand` (the scheduler moves it), `keys` (None:
    not cached), `generations`; by level: `queues`, `counts`; by slot: `notes`; once: `index`,
    `tables`, `pins`, `pin_count`. Every method but `observe` expects the lock to be held.
    """

    def __init__(self, device: Device, settings: PoolSettings, name: str) -> None:
        self.shape: Shape = settings.shape
        blocks = [BlockId(b) for b in range(self.shape.block_count)]
        lines = [Line() for _ in Level]
        for b in blocks:
            lines[self.shape.level_of(SlotId(b))].push(b, End.BACK)

        def called(row: str) -> str:
            return f"{name}.{row}"

        self.slot = SharedRow(device, called("slot"), [SlotId(b) for b in blocks])
        self.refs = SharedRow(device, called("refs"), [0 for _ in blocks])
        nobody: frozenset[RequestId] = frozenset()
        self.holders = SharedRow(device, called("holders"), [nobody for _ in blocks])
        self.in_hand = SharedRow(device, called("in_hand"), [False for _ in blocks])
        no_key: Key | None = None
        self.keys = SharedRow(device, called("keys"), [no_key for _ in blocks])
        self.generations = SharedRow(device, called("generations"), [Generation(0) for _ in blocks])
        self.queues = SharedRow(device, called("queue"), lines)
        self.counts = SharedRow(device, called("free_count"), [len(line) for line in lines])
        no_note: Note | None = None
        self.notes = SharedRow(device, called("note"), [no_note for _ in blocks])
        index: dict[Key, BlockId] = {}
        self.index = SharedRow(device, called("index"), [index])
        tables: dict[RequestId, tuple[BlockId, ...]] = {}
        self.tables = SharedRow(device, called("tables"), [tables])
        pins: dict[PinId, BlockId] = {}
        self.pins = SharedRow(device, called("pins"), [pins])
        self.pin_count = SharedRow(device, called("pin_count"), [0])

    # ---- questions

    def level_of(self, b: BlockId) -> Level:
        return self.shape.level_of(self.slot[b])

    def is_queued(self, b: BlockId) -> bool:
        return b in self.queues[self.level_of(b)]

    def oldest(self, level: Level) -> BlockId | None:
        """The free block that is next."""
        return self.queues[level].front()

    def find(self, key: Key) -> BlockId | None:
        """The block that caches the key."""
        return self.index[THE_ONE].get(key)

    def is_full(self, b: BlockId) -> bool:
        """Whether the block can count no more references."""
        return self.refs[b] >= self.shape.references_max

    def observe(self) -> SharedState:
        """All that can be judged, as it is now; no use of anything."""
        return SharedState(
            tuple(self.slot.now),
            tuple(self.refs.now),
            tuple(self.holders.now),
            tuple(self.in_hand.now),
            tuple(self.keys.now),
            tuple(self.generations.now),
            tuple([self.listed(line) for line in self.queues.now]),
            tuple(self.counts.now),
            tuple([None if note is None else note.copy for note in self.notes.now]),
        )

    @staticmethod
    def listed(line: Line) -> tuple[BlockId, ...]:
        """A queue's blocks, oldest first."""
        return line.blocks()

    # ---- queues and references

    def claim(self, b: BlockId) -> None:
        """The block leaves the queue of its level.

        Raises:
            QueueFault: it is in no queue, or in another one.
        """
        level = self.level_of(b)
        line = self.queues[level]
        if b not in line:
            raise _not_there(b, level)
        self.queues[level] = line
        line.remove(b)
        self.counts[level] -= 1

    def push(self, b: BlockId, end: End = End.BACK) -> None:
        """The block joins the queue of its level.

        Raises:
            QueueFault: it is there already.
        """
        level = self.level_of(b)
        line = self.queues[level]
        if b in line:
            raise _there_already(b, level)
        self.queues[level] = line
        line.push(b, end)
        self.counts[level] += 1

    def put_back(self, b: BlockId, end: End = End.BACK) -> None:
        """The block joins its queue, unless somebody refers to it."""
        if self.refs[b] == 0:
            self.push(b, end)

    def take(self, b: BlockId) -> None:
        """The scheduler claims a free block, to move it or to hand it out."""
        self.claim(b)
        self.refs[b] += 1
        self.in_hand[b] = True

    def let_go(self, b: BlockId, end: End = End.BACK) -> None:
        """The scheduler refers to the block no more."""
        self.in_hand[b] = False
        self.refs[b] -= 1
        self.put_back(b, end)

    def enter(self, b: BlockId, r: RequestId) -> None:
        """What the scheduler had in hand is in the request's table: its reference is the table's
        now."""
        self.in_hand[b] = False
        self.hold(b, r)

    def join(self, b: BlockId) -> None:
        """One more refers to the block, wherever it is."""
        if self.is_queued(b):
            self.claim(b)
        self.refs[b] += 1

    def hold(self, b: BlockId, r: RequestId) -> None:
        """The request's table has the block, at its end."""
        self.holders[b] |= {r}
        tables = self.tables[THE_ONE]
        self.tables[THE_ONE] = tables
        tables[r] = (*tables.get(r, ()), b)

    def drop(self, b: BlockId, r: RequestId) -> None:
        """The request's table has the block no more; who else refers to it keeps it."""
        self.holders[b] -= {r}
        tables = self.tables[THE_ONE]
        self.tables[THE_ONE] = tables
        tables[r] = tuple([own for own in tables[r] if own != b])
        if not tables[r]:
            del tables[r]
        self.refs[b] -= 1
        self.put_back(b)

    def pin(self, b: BlockId) -> PinId:
        """A number for a pin of the block, never used twice."""
        pin = PinId(self.pin_count[THE_ONE])
        self.pin_count[THE_ONE] = pin + 1
        pins = self.pins[THE_ONE]
        self.pins[THE_ONE] = pins
        pins[pin] = b
        return pin

    def unpin(self, pin: PinId) -> BlockId | None:
        """The block of a pin that is out, which is now spent."""
        pins = self.pins[THE_ONE]
        self.pins[THE_ONE] = pins
        return pins.pop(pin, None)

    # ---- the second look

    def may_not_go(self, b: BlockId) -> bool:
        """Whether a reader has come to a block that is on its way down."""
        return self.refs[b] > 1

    def may_not_come(self, b: BlockId) -> bool:
        """The same for a block that is on its way up."""
        return self.refs[b] > 1

    # ---- slots and content

    def swap(self, a: BlockId, b: BlockId) -> None:
        """Two blocks exchange their slots."""
        slot_of_a, slot_of_b = self.slot[a], self.slot[b]
        self.slot[a] = slot_of_b
        self.slot[b] = slot_of_a

    def forget(self, b: BlockId) -> Key | None:
        """The block caches nothing any more; the key that found it, if one did."""
        key = self.keys[b]
        if key is not None:
            self.keys[b] = None
            index = self.index[THE_ONE]
            self.index[THE_ONE] = index
            del index[key]
        return key

    def recall(self, b: BlockId, key: Key) -> None:
        """What the block cached is found again, unless another block has the key now."""
        index = self.index[THE_ONE]
        if key not in index:
            self.keys[b] = key
            self.index[THE_ONE] = index
            index[key] = b

    def renew(self, b: BlockId) -> None:
        """The block is handed out for new content."""
        self.generations[b] = Generation(self.generations[b] + 1)

    def cache(self, b: BlockId, key: Key, mark: Mark) -> None:
        """The key finds the block, whose bytes are whole after the mark."""
        self.keys[b] = key
        index = self.index[THE_ONE]
        self.index[THE_ONE] = index
        index[key] = b
        self.notes[self.slot[b]] = Note(mark, None)


def _not_there(b: BlockId, level: Level) -> QueueFault:
    return QueueFault(
        f"Block {b} is not in the {level.name} queue.",
        cause="It was claimed twice, or its slot was changed while it was queued.",
        mend="Look and claim under one lock.",
    )


def _there_already(b: BlockId, level: Level) -> QueueFault:
    return QueueFault(
        f"Block {b} is put on the {level.name} queue twice.",
        cause="Who joined it did not claim it.",
        mend="Claim a block when its references rise from zero, under one lock.",
    )
