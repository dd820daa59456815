"""A machine that uses every construct of the language once; it models nothing."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Annotated

from kvspec.lang import (
    Capacity,
    Constant,
    Fifo,
    Ghost,
    Machine,
    Map,
    Model,
    Range,
    Record,
    Set,
    Size,
    Sort,
    UniqueFifo,
    action,
    assume,
    goal,
    implies,
    init,
    invariant,
    lemma,
    require,
    terminal,
    thread,
)
from kvspec.lang.standing import at, kept


class Block(Sort):
    """An id."""


class Worker(Sort):
    """A thread's id."""


class Level(Enum):
    """A place of two."""

    LOW = 0
    HIGH = 1


class Note(Record):
    """What a worker leaves behind."""

    block: Block
    level: Level
    size: Annotated[int, Range(0, 2)]


NOTES = Size("NOTES")
TOP = Size("TOP")
Count = Annotated[int, Range(0, TOP)]


class EveryConstruct(Machine):
    """Each construct once."""

    partner: Constant[Block, Block]
    grid: Map[Block, Map[Level, bool]]
    count: Map[Block, Count]
    signed: Annotated[int, Range(-2, 2)]
    last: Note
    best: Map[Level, Note]
    free: Map[Level, UniqueFifo[Block]]
    notes: Annotated[Fifo[Note], Capacity(NOTES)]
    owners: Map[Block, Set[Worker]]
    seen: Ghost[Map[Block, bool]]
    running: bool

    @classmethod
    def instance(cls, *, B: int = 3, W: int = 2, N: int = 2, TOP: int = 2) -> Model:
        """B blocks, W workers, N notes, counts up to TOP."""
        return cls.trace(
            sizes={"Block": B, "Worker": W, "NOTES": N, "TOP": TOP},
            constants={"partner": [(k + 1) % B for k in range(B)]},
        )

    @assume
    def nobody_is_their_own_partner(self) -> bool:
        "No block is its own partner."
        return all(self.partner[b] != b for b in Block)

    @init
    def start(self, level: Level) -> None:
        "Blocks with an even rank wait at a chosen level."
        self.running = True
        self.signed = -1
        for b in Block:
            self.grid[b][level] = True
        for place in Level:
            self.free[place].fill(b for b in Block if place == level)

    def level_of(self, b: Block) -> Level:
        """The first level where a block stands, or HIGH."""
        if self.grid[b][Level.LOW]:
            return Level.LOW
        return Level.HIGH

    def pair(self, b: Block) -> tuple[Block, Level]:
        """Two values at once."""
        return self.partner[b], self.level_of(b)

    def move(self, b: Block, to: Level) -> None:
        """An effect in a helper."""
        at = self.level_of(b)
        self.free[at].remove(b)
        self.grid[b][at] = False
        self.grid[b][to] = True
        self.free[to].push(b)

    @action
    def shift(self, b: Block, to: Level) -> None:
        "A queued block moves to the other level."
        require("running", self.running)
        require(
            "it is queued elsewhere", b in self.free[self.level_of(b)] and self.level_of(b) != to
        )
        self.move(b, to)
        self.seen[b] = True

    @action
    def write(self, b: Block) -> None:
        "A note about the partner, sized by what is free."
        require("there is room", len(self.notes) < NOTES and self.running)
        other, level = self.pair(b)
        queued = sum(1 for x in self.free[level] if x != other)
        self.notes.push(Note(block=other, level=level, size=2 if queued > 1 else queued))

    @action
    def read(self) -> None:
        "The oldest note is kept as the last, and as the best of its level if larger."
        require("there is a note", self.notes)
        note = self.notes.pop()
        self.last = note
        if note.size > self.best[note.level].size:
            self.best[note.level] = note
            kept = note.block
        else:
            kept = self.last.block
        self.count[kept] += 1

    @action
    def settle(self, w: Worker) -> None:
        "A worker owns the first block with a count, and gives the others up."
        require("some block counts", any(self.count[b] > 0 for b in Block))
        b = next(x for x in Block if self.count[x] > 0)
        self.owners[b].add(w)
        for other in Block:
            if other != b:
                self.owners[other].discard(w)
        self.count[b] -= 1
        self.signed = self.signed + 1 if self.signed < 2 else -2

    @action
    def drain(self, level: Level) -> None:
        "A walk over a queue in order."
        require("two wait", len(self.free[level]) >= 2)
        first = self.free[level].front
        newest = next(
            n.size for n in self.notes if n.level == level or n.level in (Level.LOW, level)
        )
        for b in self.free[level]:
            if b == first:
                self.count[b] = newest
            else:
                self.seen[b] = True

    @action
    def give_up(self, w: Worker) -> None:
        "A worker lets go of all."
        if not any(w in self.owners[b] for b in Block):
            return
        for b in Block:
            if w in self.owners[b]:
                self.owners[b].remove(w)
                assert self.count[b] < TOP, "a full count was owned"

    @action
    def stop(self) -> None:
        "Nothing moves after this."
        require("quiet", not self.notes and all(not self.owners[b] for b in Block))
        self.running = False

    @thread
    def worker(self, w: Worker) -> Iterator[str]:
        """Counts a block up and, if it may, down again."""
        mine: Block = self.free[Level.LOW].front if self.free[Level.LOW] else self.last.block
        rounds: Annotated[int, Range(0, 2)] = 0
        yield "chosen"
        while rounds < 2 and self.running:
            require("below the top", self.count[mine] < TOP)
            self.count[mine] += 1
            if self.count[mine] == TOP:
                yield "full"
                require("not empty", self.count[mine] > 0)
                self.count[mine] -= 1
            else:
                rounds += 1
            yield "again"
        self.signed = 0

    @invariant(id="T-1", why="a test")
    def signed_is_small(self) -> bool:
        "The signed number stays in range."
        return -2 <= self.signed <= 2 and implies(self.signed > 0, self.signed != -1)

    @lemma
    def queued_once(self) -> bool:
        "A block waits at one level."
        low, high = self.free[Level.LOW], self.free[Level.HIGH]
        return all(not (b in low and b in high) for b in Block)

    @lemma
    def notes_pair_up(self) -> bool:
        "Two notes at different places may be compared, and sizes add up."
        pairs = all(
            implies(i != j, (c.size, i) != (d.size, j) or c == d)
            for i, c in enumerate(self.notes)
            for j, d in enumerate(self.notes)
        )
        return pairs and sum(c.size for c in self.notes) <= len(self.notes) + len(self.notes)

    def is_counting(self, w: Worker) -> bool:
        """A thread's place in a helper."""
        return at(self.worker(w), "full", "again")

    @lemma
    def workers_stand_somewhere(self) -> bool:
        "True or not, it says where threads stand, in each way that there is."
        return all(
            (not self.is_counting(w) or kept(self.worker(w), "rounds", int) <= 2)
            and implies(at(self.worker(w), "done"), at(self.worker(w), "done", "start"))
            for w in Worker
        )

    @goal
    def a_worker_goes_on(self) -> bool:
        "A worker has counted its block, and stands where it may do so again."
        return any(
            self.count[b] > 0 and kept(self.worker(w), "mine", Block) == b
            for w in Worker
            if at(self.worker(w), "full") or (self.running and at(self.worker(w), "again"))
            for b in Block
        )

    @goal
    def all_owned(self) -> bool:
        "Every block has an owner."
        return all(len(self.owners[b]) > 0 for b in Block) or len(Block) < 2

    @terminal
    def stopped(self) -> bool:
        "After stop nothing needs to move."
        return not self.running
