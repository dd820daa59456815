"""Staging by a copy: a fresh pinned snapshot, while the persistent table stays for its readers.

It decides when the allocator may hand a pinned buffer out again, and which table a synchronous
reader sees. The idea: the copy's source is recorded with its stream, the events are taken when the
host lets go of the buffer, and they count then for everything enqueued on that stream so far.
"""

from __future__ import annotations

from enum import Enum

from kvspec.lang import (
    Constant,
    Ghost,
    Map,
    Model,
    Sort,
    Strength,
    action,
    assume,
    goal,
    init,
    invariant,
    lemma,
    require,
)
from kvspec.models.staging import Buffer, D, Iteration, Moment, Offsets, Overlap, Slot, Stream


class Cache(Sort):
    "A manager of a cache: the target model's, the draft model's; each has a table of its own."


class Reader(Sort):
    "Code that keeps a table once it has asked for it, and reads it without the device."


class Reading(Enum):
    "When a copy reads its source: as the device executes it, or before the call returns."

    AT_EXECUTION = 0
    DURING_CALL = 1


class StagedTable(Overlap):
    """Each copy sends the rows as they were staged, and readers of the table see it as it is.

    Iterations are never used twice, so a run has as many as the instance. `wanted` is the truth
    about a cache's rows; `expected` is what it was when the copy was staged, `got` what was sent.
    A copy sends a whole table, and one of its rows is looked at. The host is at most D ahead.

    Atomicity: the host works from one thread; the device starts and finishes copies by itself.

    | action    | linearisation point in the code                         | made atomic by     |
    | write_row | a block is added to or taken from a row, in place       | scheduler thread   |
    | ask       | a reader keeps the table that it is given               | scheduler thread   |
    | stage     | allocation, snapshot, the copy and its recorded stream  | scheduler thread   |
    | give_up   | the last reference is dropped: events on those streams  | the allocator      |
    | observe   | the host waits for the oldest iteration's results       | scheduler thread   |
    | start     | the device takes the front of a stream                  | the stream's order |
    | finish    | the copy's last read, and its end                       | the device         |
    """

    home: Constant[Cache, Buffer]
    reading: Constant[Iteration, Reading]
    table: Map[Cache, Buffer]
    held: Map[Buffer, Map[Slot, Offsets]]
    live: Map[Buffer, bool]
    used_on: Map[Buffer, Map[Stream, bool]]
    guard: Map[Buffer, Map[Iteration, bool]]
    source_of: Map[Iteration, Buffer]
    index_of: Map[Iteration, Slot]
    asked: Map[Reader, bool]
    cache_of: Map[Reader, Cache]
    table_of: Map[Reader, Buffer]
    wanted: Ghost[Map[Cache, Map[Slot, Offsets]]]
    expected: Ghost[Map[Iteration, Offsets]]
    got: Ghost[Map[Iteration, Offsets]]

    @classmethod
    def instance(
        cls,
        *,
        N: int = 2,
        B: int = 2,
        S: int = 1,
        C: int = 1,
        R: int = 1,
        V: int = 2,
        D: int = 1,
        CALL: int = 0,
    ) -> Model:
        """N iterations, CALL of them read during the call; C tables, B snapshots, R readers.

        S rows a table, V different rows, D run ahead.
        """
        reading = [Reading.DURING_CALL] * CALL + [Reading.AT_EXECUTION] * (N - CALL)
        return cls.trace(
            sizes={
                "Iteration": N,
                "Buffer": C + B,
                "Slot": S,
                "Cache": C,
                "Reader": R,
                "Offsets": V,
                "D": D,
            },
            constants={"home": range(C), "reading": reading},
        )

    @assume
    def tables_apart(self) -> bool:
        "Each cache has a table of its own."
        return all(self.home[c] != self.home[e] for c in Cache for e in Cache if c != e)

    @init
    def nothing_yet(self) -> None:
        "The tables are allocated, and nothing else."
        for c in Cache:
            self.table[c] = self.home[c]
        for b in Buffer:
            self.live[b] = any(self.home[c] == b for c in Cache)

    # ---- vocabulary

    def is_table(self, b: Buffer) -> bool:
        return any(self.table[c] == b for c in Cache)

    def is_reusable(self, b: Buffer) -> bool:
        return not self.live[b] and all(self.is_done(i) for i in Iteration if self.guard[b][i])

    # ---- building blocks

    def fill(self, b: Buffer, c: Cache) -> None:
        for s in Slot:
            self.held[b][s] = self.held[self.table[c]][s]

    def source(self, b: Buffer, c: Cache) -> Buffer:
        return b

    def record_use(self, b: Buffer, st: Stream) -> None:
        self.used_on[b][st] = True

    # ---- the host

    @action
    def write_row(self, c: Cache, s: Slot, v: Offsets) -> None:
        "The blocks of a request change, and its row is written in place."
        self.held[self.table[c]][s] = v
        self.wanted[c][s] = v

    @action
    def ask(self, r: Reader, c: Cache) -> None:
        "A reader is given the table of a cache, and keeps it."
        self.asked[r] = True
        self.cache_of[r] = c
        self.table_of[r] = self.table[c]

    @action
    def stage(self, i: Iteration, c: Cache, s: Slot, b: Buffer, st: Stream) -> None:
        "The table is copied into a fresh buffer, and the copy from there is enqueued and recorded."
        require("the iteration is new", self.moment[i] == Moment.NEW)
        require("the buffer can be handed out", self.is_reusable(b))
        require("the host is not too far ahead", self.ahead_count() < D)
        self.live[b] = True
        for u in Iteration:
            self.guard[b][u] = False
        self.fill(b, c)
        self.enqueue(i, st)
        self.source_of[i] = self.source(b, c)
        self.index_of[i] = s
        self.record_use(self.source_of[i], st)
        self.expected[i] = self.wanted[c][s]
        if self.reading[i] == Reading.DURING_CALL:
            self.got[i] = self.held[self.source_of[i]][s]

    @action
    def give_up(self, b: Buffer) -> None:
        "The host lets go of a snapshot: the allocator takes an event on each stream that used it."
        require("the host has it", self.live[b])
        require("it is no table", not self.is_table(b))
        self.live[b] = False
        for u in Iteration:
            self.guard[b][u] = any(self.used_on[b][st] and u in self.stream[st] for st in Stream)
        for st in Stream:
            self.used_on[b][st] = False

    # ---- the device

    @action
    def finish(self, st: Stream) -> None:
        "The copy reads its source, at the latest now unless it has, and ends."
        require("a work is enqueued", len(self.stream[st]) > 0)
        i = self.stream[st].pop()
        if self.reading[i] == Reading.AT_EXECUTION:
            self.got[i] = self.held[self.source_of[i]][self.index_of[i]]
        self.moment[i] = Moment.COMPLETE

    # ---- what must always hold

    @invariant(
        id="KV-INV-65",
        why="TensorRT-LLM #15546: the table was refilled while its copy was pending (S5.1)",
        strength=Strength.EVERY_SIZE,
    )
    def sends_what_was_staged(self) -> bool:
        "A complete copy has sent the row as it was when the copy was staged."
        return all(
            self.got[i] == self.expected[i] for i in Iteration if self.moment[i] == Moment.COMPLETE
        )

    @invariant(
        id="KV-INV-66",
        why="S5.2: a fresh snapshot is enough only because the allocator records the copy",
        strength=Strength.EVERY_SIZE,
    )
    def pending_sources_are_not_handed_out(self) -> bool:
        "The source of a pending copy cannot be handed out."
        return all(not self.is_reusable(self.source_of[i]) for i in Iteration if self.is_pending(i))

    @invariant(
        id="KV-INV-67",
        why="TensorRT-LLM #15546, first revision: the table was replaced, and its readers kept the "
        "old one (S5.3)",
        strength=Strength.EVERY_SIZE,
    )
    def readers_see_the_rows(self) -> bool:
        "Whoever has asked for a table sees in it what the cache's rows say."
        return all(
            self.held[self.table_of[r]][s] == self.wanted[self.cache_of[r]][s]
            for r in Reader
            for s in Slot
            if self.asked[r]
        )

    @lemma
    def pending_rows_stand(self) -> bool:
        "The source of a pending copy still says what it said, or has been read."
        return all(
            self.got[i] == self.expected[i]
            if self.reading[i] == Reading.DURING_CALL
            else self.held[self.source_of[i]][self.index_of[i]] == self.expected[i]
            for i in Iteration
            if self.is_pending(i)
        )

    @lemma
    def pending_sources_are_recorded(self) -> bool:
        "A pending copy is in a stream on which its source's use is recorded, or an event has it."
        return all(
            (
                self.live[self.source_of[i]]
                and any(
                    self.used_on[self.source_of[i]][st] and i in self.stream[st] for st in Stream
                )
            )
            or (not self.live[self.source_of[i]] and self.guard[self.source_of[i]][i])
            for i in Iteration
            if self.is_pending(i)
        )

    @lemma
    def tables_stay(self) -> bool:
        "A cache's table is the buffer that it began with, and is allocated."
        return all(self.table[c] == self.home[c] and self.live[self.table[c]] for c in Cache)

    @lemma
    def tables_are_not_sources(self) -> bool:
        "No pending copy that reads as it executes has a table as its source."
        return all(
            self.source_of[i] != self.table[c]
            for i in Iteration
            for c in Cache
            if self.is_pending(i) and self.reading[i] == Reading.AT_EXECUTION
        )

    @lemma
    def tables_say_the_rows(self) -> bool:
        "A table says what its cache's rows say."
        return all(self.held[self.table[c]][s] == self.wanted[c][s] for c in Cache for s in Slot)

    @lemma
    def readers_have_the_table(self) -> bool:
        "Whoever has asked for a table has the one of its cache."
        return all(
            self.table_of[r] == self.table[self.cache_of[r]] for r in Reader if self.asked[r]
        )

    # ---- what must be possible

    @goal
    def table_moves_on(self) -> bool:
        "A copy is pending while the table already says something else."
        return any(
            self.is_pending(i) and self.held[self.table[c]][self.index_of[i]] != self.expected[i]
            for i in Iteration
            for c in Cache
        )

    @goal
    def held_back_by_an_event(self) -> bool:
        "The host has let go of a buffer, and its copy is still pending."
        return any(not self.live[self.source_of[i]] for i in Iteration if self.is_pending(i))

    @goal
    def all_done(self) -> bool:
        "Every iteration is observed, and every snapshot can be handed out again."
        return all(self.moment[i] == Moment.OBSERVED for i in Iteration) and all(
            self.is_reusable(b) or self.is_table(b) for b in Buffer
        )
