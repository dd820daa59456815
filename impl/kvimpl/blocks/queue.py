"""Free blocks by level and priority, oldest first, and how many there are at each level.

It decides the order in which free blocks are taken; it knows no slots, references or copies. Two
designs: `NamedQueues` looks where the caller says and refuses when the block is not there;
`StoredQueues` looks where it put the block, and so survives a block that changed level meanwhile.
Every entry has a ticket, so that an operation that fails can put a block back where it was.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NewType, Protocol

from kvimpl.blocks.errors import QueueFault
from kvspec.events import BlockId, End, Level, Priority

Ticket = NewType("Ticket", int)
"""An entry's place in its line: lower is older."""


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

    def order(self, level: Level) -> tuple[tuple[BlockId, ...], ...]:
        """The level's queues by priority, oldest first."""


class Line:
    """One queue: oldest first, each block at most once; `restore` and `blocks` take linear time.

    What `blocks` showed last is kept until the queue changes: a judge asks at every step.
    """

    def __init__(self) -> None:
        self._tickets: OrderedDict[BlockId, Ticket] = OrderedDict()
        self._shown: tuple[BlockId, ...] | None = ()
        self._first, self._next = 0, 1

    def __contains__(self, block: BlockId) -> bool:
        return block in self._tickets

    def __len__(self) -> int:
        return len(self._tickets)

    def front(self) -> BlockId | None:
        """The oldest block."""
        return next(iter(self._tickets), None)

    def blocks(self) -> tuple[BlockId, ...]:
        """All of them, oldest first."""
        if self._shown is None:
            self._shown = tuple(self._tickets)
        return self._shown

    def push(self, block: BlockId, end: End) -> None:
        """The block, which is not here, joins at an end."""
        self._shown = None
        if end is End.FRONT:
            self._tickets[block] = Ticket(self._first)
            self._tickets.move_to_end(block, last=False)
            self._first -= 1
        else:
            self._tickets[block] = Ticket(self._next)
            self._next += 1

    def remove(self, block: BlockId) -> Ticket:
        """The block, which is here, leaves."""
        self._shown = None
        return self._tickets.pop(block)

    def restore(self, block: BlockId, ticket: Ticket) -> None:
        """The block, which is not here, gets its old place back."""
        self._shown = None
        self._tickets[block] = ticket
        self._tickets = OrderedDict(sorted(self._tickets.items(), key=lambda entry: entry[1]))


class NamedQueues:
    """The caller names the queue, as read from the block at that moment (TensorRT-LLM #12834)."""

    def __init__(self, *, priority_count: int) -> None:
        self.lines = [[Line() for _ in range(priority_count)] for _ in Level]
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
        _join(self.lines[level][priority], block, end, ticket)
        self.members.add(block)
        self.counts[level] += 1

    def claim(self, block: BlockId, level: Level, priority: Priority) -> Ticket:
        line = self.lines[level][priority]
        if block not in line:
            raise QueueFault(
                f"Block {block} is not in the {level.name} queue of priority {priority}.",
                cause="Its level or priority was changed while it was queued, or it is in use.",
                mend="Claim a block before changing what its queue is chosen by.",
            )
        self.counts[level] -= 1
        self.members.discard(block)
        return line.remove(block)

    def front(self, level: Level) -> BlockId | None:
        return _front(self.lines[level])

    def holds(self, block: BlockId) -> bool:
        return block in self.members

    def order(self, level: Level) -> tuple[tuple[BlockId, ...], ...]:
        return _blocks(self.lines[level])


class StoredQueues:
    """Each entry remembers its queue, and only the entry is asked (TensorRT-LLM #12297).

    `claim` ignores the level and priority it is given, so blocks may change theirs while queued.
    """

    def __init__(self, *, priority_count: int) -> None:
        self.lines = [[Line() for _ in range(priority_count)] for _ in Level]
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
        _join(self.lines[level][priority], block, end, ticket)
        self.entries[block] = (level, priority)
        self.counts[level] += 1

    def claim(self, block: BlockId, level: Level, priority: Priority) -> Ticket:
        entry = self.entries.pop(block, None)
        if entry is None:
            raise QueueFault(
                f"Block {block} is in no queue.",
                cause="It was claimed twice, or is in use.",
                mend="Ask `holds` before claiming a block that may be in use.",
            )
        stored_level, stored_priority = entry
        self.counts[stored_level] -= 1
        return self.lines[stored_level][stored_priority].remove(block)

    def front(self, level: Level) -> BlockId | None:
        return _front(self.lines[level])

    def holds(self, block: BlockId) -> bool:
        return block in self.entries

    def order(self, level: Level) -> tuple[tuple[BlockId, ...], ...]:
        return _blocks(self.lines[level])


def put_twice(block: BlockId) -> QueueFault:
    """What both designs say to a second entry of one block."""
    return QueueFault(
        f"Block {block} is put on a queue twice.",
        cause="It was released without having been claimed.",
        mend="Claim a block when its references rise from zero, whatever the path.",
    )


def _join(line: Line, block: BlockId, end: End, ticket: Ticket | None) -> None:
    if ticket is None:
        line.push(block, end)
    else:
        line.restore(block, ticket)


def _blocks(lines: list[Line]) -> tuple[tuple[BlockId, ...], ...]:
    if len(lines) == 1:  # priorities are switched off
        return (lines[0].blocks(),)
    return tuple([line.blocks() for line in lines])


def _front(lines: list[Line]) -> BlockId | None:
    for line in lines:
        if line:
            return line.front()
    return None
