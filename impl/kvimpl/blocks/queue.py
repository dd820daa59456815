"""Free blocks by level and priority, oldest first, and how many there are at each level.

It decides the order in which free blocks are taken; it knows no slots, references or copies. Two
designs: `NamedQueues` looks where the caller says and refuses when the block is not there;
`StoredQueues` looks where it put the block, and so survives a block that changed level meanwhile.
Every entry has a ticket, so that an operation that fails can put a block back where it was.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NewType, Protocol, TypeAlias

from kvimpl.blocks.errors import QueueFault
from kvspec.events import BlockId, End, Level, Priority

Ticket = NewType("Ticket", int)
"""An entry's place in its line: lower is older."""


Order: TypeAlias = tuple[tuple[tuple[BlockId, ...], ...], ...]
"""Queued blocks by level, then by priority, oldest first."""


# Looked up once: in Python 3.11 a member of an enum costs as much as a call.
FRONT = End.FRONT


class FreeQueues(Protocol):
    """Ordered queues by level and priority; a block is in one of them at most.

    `counts` has the free blocks by level: kept apart from the queues, as what a scheduler reads.
    """

    counts: list[int]

    def put(
        self,
        block: BlockId,
        level: Level,
        priority: Priority,
        *,
        end: End = End.BACK,
        ticket: Ticket | None = None,
    ) -> None:
        """The block joins a queue: at an end, or where `ticket`, from its last claim, says.

        Raises:
            QueueFault: it is in a queue already.
        """

    def claim(self, block: BlockId, level: Level, priority: Priority) -> Ticket:
        """The block leaves its queue.

        Raises:
            QueueFault: it is not where it was looked for.
        """

    def front(self, level: Level) -> BlockId | None:
        """The oldest block of the lowest priority that has any."""

    def holds(self, block: BlockId) -> bool:
        """Whether the block is in some queue."""

    def order(self) -> Order:
        """All queues as they are now."""


class Line:
    """One queue: oldest first, each block at most once; `restore` and `blocks` take linear time.

    What `blocks` showed last is kept, and follows one change after it was asked for: who asks at
    every step has it without a copy entry by entry, and who never asks pays for nothing.
    """

    __slots__ = ("_first", "_is_asked", "_next", "_shown", "_tickets")

    def __init__(self) -> None:
        self._tickets: OrderedDict[BlockId, Ticket] = OrderedDict()
        self._shown: tuple[BlockId, ...] | None = None
        self._is_asked = False
        self._first, self._next = 0, 1

    def __contains__(self, block: BlockId) -> bool:
        return block in self._tickets

    def __len__(self) -> int:
        return len(self._tickets)

    def front(self) -> BlockId | None:
        """The oldest block."""
        for block in self._tickets:
            return block
        return None

    def blocks(self) -> tuple[BlockId, ...]:
        """All of them, oldest first."""
        self._is_asked = True
        if self._shown is None:
            self._shown = tuple(self._tickets)
        return self._shown

    def push(self, block: BlockId, end: End) -> None:
        """The block, which is not here, joins at an end."""
        shown = self._follow()
        if end is FRONT:
            self._tickets[block] = Ticket(self._first)
            self._tickets.move_to_end(block, last=False)
            self._first -= 1
            self._shown = None if shown is None else (block, *shown)
        else:
            self._tickets[block] = Ticket(self._next)
            self._next += 1
            self._shown = None if shown is None else (*shown, block)

    def remove(self, block: BlockId) -> Ticket | None:
        """The block leaves; None if it is not here."""
        ticket = self._tickets.pop(block, None)
        if ticket is not None:
            shown = self._follow()
            if shown is not None:
                place = shown.index(block)
                self._shown = shown[:place] + shown[place + 1 :]
        return ticket

    def restore(self, block: BlockId, ticket: Ticket) -> None:
        """The block, which is not here, gets its old place back."""
        self._shown = None
        self._tickets[block] = ticket
        self._tickets = OrderedDict(sorted(self._tickets.items(), key=lambda entry: entry[1]))

    def _follow(self) -> tuple[BlockId, ...] | None:
        """What was shown before a change, if it was asked for since the last one."""
        shown, self._shown = self._shown if self._is_asked else None, None
        self._is_asked = False
        return shown


class Lines:
    """The lines by level and priority; what `order` showed is kept until one of them changes."""

    __slots__ = ("_lines", "_order")

    def __init__(self, priority_count: int) -> None:
        self._lines = [[Line() for _ in range(priority_count)] for _ in Level]
        self._order: Order | None = None

    def join(
        self, block: BlockId, level: Level, priority: Priority, end: End, ticket: Ticket | None
    ) -> None:
        """The block, which is not there, joins a line: at an end, or where the ticket says."""
        self._order = None
        if ticket is None:
            self._lines[level][priority].push(block, end)
        else:
            self._lines[level][priority].restore(block, ticket)

    def leave(self, block: BlockId, level: Level, priority: Priority) -> Ticket | None:
        """The block leaves a line; None if it is not there."""
        self._order = None
        return self._lines[level][priority].remove(block)

    def front(self, level: Level) -> BlockId | None:
        """The oldest block of the lowest priority that has any."""
        for line in self._lines[level]:
            block = line.front()
            if block is not None:
                return block
        return None

    def order(self) -> Order:
        """All of them, oldest block first."""
        if self._order is None:
            primary, secondary = self._lines
            self._order = (
                tuple([line.blocks() for line in primary]),
                tuple([line.blocks() for line in secondary]),
            )
        return self._order


class NamedQueues:
    """The caller names the queue, as read from the block at that moment (TensorRT-LLM #12834)."""

    def __init__(self, *, priority_count: int) -> None:
        self.lines = Lines(priority_count)
        self.members: set[BlockId] = set()
        self.counts = [0 for _ in Level]

    def put(
        self,
        block: BlockId,
        level: Level,
        priority: Priority,
        *,
        end: End = End.BACK,
        ticket: Ticket | None = None,
    ) -> None:
        if block in self.members:
            raise put_twice(block)
        self.lines.join(block, level, priority, end, ticket)
        self.members.add(block)
        self.counts[level] += 1

    def claim(self, block: BlockId, level: Level, priority: Priority) -> Ticket:
        ticket = self.lines.leave(block, level, priority)
        if ticket is None:
            raise QueueFault(
                f"Block {block} is not in the {level.name} queue of priority {priority}.",
                cause="Its level or priority was changed while it was queued, or it is in use.",
                mend="Claim a block before changing what its queue is chosen by.",
            )
        self.counts[level] -= 1
        self.members.discard(block)
        return ticket

    def front(self, level: Level) -> BlockId | None:
        return self.lines.front(level)

    def holds(self, block: BlockId) -> bool:
        return block in self.members

    def order(self) -> Order:
        return self.lines.order()


class StoredQueues:
    """Each entry remembers its queue, and only the entry is asked (TensorRT-LLM #12297).

    `claim` ignores the level and priority it is given, so blocks may change theirs while queued.
    """

    def __init__(self, *, priority_count: int) -> None:
        self.lines = Lines(priority_count)
        self.entries: dict[BlockId, tuple[Level, Priority]] = {}
        self.counts = [0 for _ in Level]

    def put(
        self,
        block: BlockId,
        level: Level,
        priority: Priority,
        *,
        end: End = End.BACK,
        ticket: Ticket | None = None,
    ) -> None:
        if block in self.entries:
            raise put_twice(block)
        self.lines.join(block, level, priority, end, ticket)
        self.entries[block] = (level, priority)
        self.counts[level] += 1

    def claim(self, block: BlockId, level: Level, priority: Priority) -> Ticket:
        stored = self.entries.pop(block, None)
        ticket = None if stored is None else self.lines.leave(block, *stored)
        if stored is None or ticket is None:
            raise QueueFault(
                f"Block {block} is in no queue.",
                cause="It was claimed twice, or is in use.",
                mend="Ask `holds` before claiming a block that may be in use.",
            )
        self.counts[stored[0]] -= 1
        return ticket

    def front(self, level: Level) -> BlockId | None:
        return self.lines.front(level)

    def holds(self, block: BlockId) -> bool:
        return block in self.entries

    def order(self) -> Order:
        return self.lines.order()


def put_twice(block: BlockId) -> QueueFault:
    """What both designs say to a second entry of one block."""
    return QueueFault(
        f"Block {block} is put on a queue twice.",
        cause="It was released without having been claimed.",
        mend="Claim a block when its references rise from zero, whatever the path.",
    )
