"""Staging by a gather kernel: host rows are read by the device when the kernel executes.

It decides when a staging buffer may be written again; what the offsets in a row mean is not its
concern. The idea: the allocator knows nothing of a kernel's reads, so an event recorded after the
kernel stands for them, and a buffer is given back once the host has seen that event fire.
"""

from __future__ import annotations

from kvspec.lang import (
    Ghost,
    Map,
    Model,
    Sort,
    Strength,
    UniqueFifo,
    action,
    goal,
    init,
    invariant,
    lemma,
    require,
)
from kvspec.models.staging import Buffer, D, Iteration, Moment, Offsets, Overlap, Slot, Stream


class Request(Sort):
    "A request; when it has ended the id may come again, as another generation."


class GatheredRows(Overlap):
    """Each gather reads the rows that its iteration was launched with, however late it executes.

    Iterations are never used twice, so a run has as many as the instance. `table` is the truth
    about a request's blocks; `expected` is what it was at the launch, `got` what the device read.
    An iteration gathers the row of one request; the host is at most D iterations ahead.

    Atomicity: the host works from one thread; the device starts and finishes gathers by itself.

    | action      | linearisation point in the code                       | made atomic by     |
    | bind        | addNewSequence, and the first blocks of its row       | scheduler thread   |
    | write_row   | a block is added to or taken from a row, in place     | scheduler thread   |
    | end_request | removeSequence: the slot is free at once              | scheduler thread   |
    | launch      | snapshot, launch, record, keep: one call              | scheduler thread   |
    | retire      | the query of the oldest event says that it fired      | scheduler thread   |
    | observe     | the host waits for the oldest iteration's results     | scheduler thread   |
    | start       | the device takes the front of a stream                | the stream's order |
    | finish      | the kernel's last read, and its end                   | the device         |
    """

    bound: Map[Request, bool]
    slot_of: Map[Request, Slot]
    taken: Map[Slot, bool]
    row: Map[Slot, Offsets]
    copy_index: Slot
    buffer_of: Map[Iteration, Buffer]
    index_of: Map[Iteration, Slot]
    held: Map[Buffer, Map[Slot, Offsets]]
    free: Map[Buffer, bool]
    retiring: UniqueFifo[Iteration]
    guard: Map[Iteration, Map[Iteration, bool]]
    table: Ghost[Map[Request, Offsets]]
    expected: Ghost[Map[Iteration, Offsets]]
    got: Ghost[Map[Iteration, Offsets]]

    @classmethod
    def instance(
        cls, *, N: int = 2, B: int = 2, S: int = 1, R: int = 2, V: int = 2, D: int = 1
    ) -> Model:
        """N iterations over B buffers, R requests in S slots, V different rows, D run ahead."""
        return cls.trace(
            sizes={"Iteration": N, "Buffer": B, "Slot": S, "Request": R, "Offsets": V, "D": D}
        )

    @init
    def nothing_yet(self) -> None:
        "No request is bound, and every buffer is free."
        for b in Buffer:
            self.free[b] = True

    # ---- vocabulary

    def has_fired(self, i: Iteration) -> bool:
        return all(self.is_done(u) for u in Iteration if self.guard[i][u])

    def is_swept(self) -> bool:
        return all(self.moment[i] != Moment.OBSERVED for i in Iteration if i in self.retiring)

    # ---- building blocks

    def claim(self, s: Slot) -> None:
        self.taken[s] = True

    def fill(self, b: Buffer) -> None:
        for s in Slot:
            self.held[b][s] = self.row[s]

    def record(self, i: Iteration, st: Stream) -> None:
        for u in Iteration:
            self.guard[i][u] = u in self.stream[st]

    def enqueue_guarded(self, i: Iteration, st: Stream) -> None:
        self.enqueue(i, st)
        self.record(i, st)

    def keep(self, i: Iteration) -> None:
        self.free[self.buffer_of[i]] = False
        self.retiring.push(i)

    def release(self, s: Slot) -> None:
        self.taken[s] = False

    def gathered(self, i: Iteration) -> Offsets:
        return self.held[self.buffer_of[i]][self.index_of[i]]

    # ---- the host

    @action
    def bind(self, r: Request, s: Slot, v: Offsets) -> None:
        "A new request takes a free slot, and its blocks are written into the row."
        require("the request is not there", not self.bound[r])
        require("the slot is free", not self.taken[s])
        self.bound[r] = True
        self.slot_of[r] = s
        self.claim(s)
        self.row[s] = v
        self.table[r] = v

    @action
    def write_row(self, r: Request, v: Offsets) -> None:
        "The blocks of a request change, and its row is written in place."
        require("the request is bound", self.bound[r])
        self.row[self.slot_of[r]] = v
        self.table[r] = v

    @action
    def end_request(self, r: Request) -> None:
        "A request ends, and its slot is free at once, whatever is still pending."
        require("the request is bound", self.bound[r])
        self.bound[r] = False
        self.release(self.slot_of[r])

    @action
    def launch(self, i: Iteration, r: Request, b: Buffer, st: Stream) -> None:
        "The rows are copied into a free buffer, the gather is enqueued, then its event."
        require("the iteration is new", self.moment[i] == Moment.NEW)
        require("the request is bound", self.bound[r])
        require("the buffer is free", self.free[b])
        require("the host is not too far ahead", self.ahead_count() < D)
        require(
            "what the host saw complete is retired",
            self.is_swept(),
        )
        self.copy_index = self.slot_of[r]
        self.fill(b)
        self.buffer_of[i] = b
        self.index_of[i] = self.copy_index
        self.expected[i] = self.table[r]
        self.enqueue_guarded(i, st)
        self.keep(i)

    @action
    def retire(self) -> None:
        "The oldest buffer is given back, if its event has fired."
        require("a buffer waits", len(self.retiring) > 0)
        require("its event has fired", self.has_fired(self.retiring.front))
        i = self.retiring.pop()
        self.free[self.buffer_of[i]] = True
        for u in Iteration:
            self.guard[i][u] = False

    # ---- the device

    @action
    def finish(self, st: Stream) -> None:
        "The kernel reads its index and its row, at the latest now, and ends."
        require("a gather is enqueued", len(self.stream[st]) > 0)
        i = self.stream[st].pop()
        self.got[i] = self.gathered(i)
        self.moment[i] = Moment.COMPLETE

    # ---- what must always hold

    @invariant(
        id="KV-INV-61",
        why="TensorRT-LLM #15607: a gather read rows that the host had written again (S5.4, S5.5)",
        strength=Strength.EVERY_SIZE,
    )
    def reads_what_was_launched(self) -> bool:
        "A complete gather has read the row that its request had at the launch."
        return all(
            self.got[i] == self.expected[i] for i in Iteration if self.moment[i] == Moment.COMPLETE
        )

    @invariant(
        id="KV-INV-62",
        why="TensorRT-LLM #15607: the allocator records no use for a kernel, so a buffer came back "
        "while a gather of it was pending (S5.4, S5.7)",
        strength=Strength.EVERY_SIZE,
    )
    def pending_buffers_are_kept(self) -> bool:
        "The buffer of a pending gather is not free."
        return all(not self.free[self.buffer_of[i]] for i in Iteration if self.is_pending(i))

    @invariant(
        id="KV-INV-63",
        why="S5.6: memory is bounded by the depth of the overlap, not by the length of the run",
        strength=Strength.EVERY_SIZE,
    )
    def at_most_depth_buffers(self) -> bool:
        "At most D buffers are kept back."
        return sum(1 for i in Iteration if i in self.retiring) <= D

    @invariant(
        id="KV-INV-64",
        why="TensorRT-LLM removeSequence frees the slot at once, and the next request takes it "
        "(S5.5)",
        strength=Strength.EVERY_SIZE,
    )
    def rows_are_their_request_s(self) -> bool:
        "The row of a bound request's slot says that request's blocks, and no other has the slot."
        return all(
            self.row[self.slot_of[r]] == self.table[r] for r in Request if self.bound[r]
        ) and all(
            self.slot_of[r] != self.slot_of[q]
            for r in Request
            for q in Request
            if self.bound[r] and self.bound[q] and r != q
        )

    @invariant(
        id="KV-INV-68",
        why="TensorRT-LLM IndexMapper::removeSequence gives the slot back; one that is forgotten "
        "is lost (S5.5)",
        strength=Strength.EVERY_SIZE,
    )
    def taken_slots_are_bound(self) -> bool:
        "A taken slot is a bound request's."
        return all(
            any(self.bound[r] and self.slot_of[r] == s for r in Request)
            for s in Slot
            if self.taken[s]
        )

    @lemma
    def bound_slots_are_taken(self) -> bool:
        "The slot of a bound request is taken."
        return all(self.taken[self.slot_of[r]] for r in Request if self.bound[r])

    @lemma
    def pending_rows_stand(self) -> bool:
        "The buffer of a pending gather still says what the row said at the launch."
        return all(
            self.held[self.buffer_of[i]][self.index_of[i]] == self.expected[i]
            for i in Iteration
            if self.is_pending(i)
        )

    @lemma
    def pending_buffers_are_guarded(self) -> bool:
        "The buffer of a pending gather is kept back, by an event that stands for the gather."
        return all(i in self.retiring and self.guard[i][i] for i in Iteration if self.is_pending(i))

    @lemma
    def kept_buffers_are_not_free(self) -> bool:
        "A buffer that is kept back is not free, and is kept back once."
        return all(
            not self.free[self.buffer_of[i]] for i in Iteration if i in self.retiring
        ) and all(
            self.buffer_of[i] != self.buffer_of[u]
            for i in Iteration
            for u in Iteration
            if i in self.retiring and u in self.retiring and i != u
        )

    @lemma
    def host_is_at_most_depth_ahead(self) -> bool:
        "The host is ahead of at most D iterations."
        return self.ahead_count() <= D

    @lemma
    def kept_was_launched(self) -> bool:
        "What is kept back, the host has observed or is ahead of."
        return all(
            i in self.ahead or self.moment[i] == Moment.OBSERVED
            for i in Iteration
            if i in self.retiring
        )

    # ---- what must be possible

    @goal
    def slot_rebound_while_read(self) -> bool:
        "A gather is pending while its slot already is another request's."
        return any(
            self.is_pending(i) and self.row[self.index_of[i]] != self.expected[i] for i in Iteration
        )

    @goal
    def all_done(self) -> bool:
        "Every iteration is observed, and every buffer is free."
        return all(self.moment[i] == Moment.OBSERVED for i in Iteration) and all(
            self.free[b] for b in Buffer
        )
