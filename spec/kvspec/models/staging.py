"""What both ways of staging share: iterations on streams, and a host that runs ahead of them.

It decides when the device may execute an iteration and when the host has seen it complete; what
an iteration reads is for the designs that build on it. The idea: the host is a bounded number of
iterations ahead, and that bound is a size, so that one proof covers every depth of the overlap.
"""

from __future__ import annotations

from enum import Enum

from kvspec.lang import (
    Machine,
    Map,
    Size,
    Sort,
    UniqueFifo,
    action,
    lemma,
    require,
)


class Iteration(Sort):
    "A step of the model, and the gather or the copy in it; launched at most once in a run."


class Buffer(Sort):
    "A pinned buffer in host memory, as large as the table of rows."


class Slot(Sort):
    "The number of a row."


class Offsets(Sort):
    "What a row says: the blocks of one request at one time."


class Stream(Enum):
    "The streams that an iteration may be launched on."

    MAIN = 0
    SIDE = 1


class Moment(Enum):
    "What has become of an iteration; the host waits for each before it is OBSERVED."

    NEW = 0
    ENQUEUED = 1
    EXECUTING = 2
    COMPLETE = 3
    OBSERVED = 4


D = Size("D")


class Overlap(Machine):
    """An iteration is launched on a stream, starts in its order, completes, and is waited for.

    A design adds the launch, and the end of an execution.
    """

    moment: Map[Iteration, Moment]
    stream: Map[Stream, UniqueFifo[Iteration]]
    ahead: UniqueFifo[Iteration]

    # ---- vocabulary

    def is_pending(self, i: Iteration) -> bool:
        return self.moment[i] == Moment.ENQUEUED or self.moment[i] == Moment.EXECUTING

    def is_done(self, i: Iteration) -> bool:
        return self.moment[i] == Moment.COMPLETE or self.moment[i] == Moment.OBSERVED

    def ahead_count(self) -> int:
        return sum(1 for i in Iteration if i in self.ahead)

    # ---- building blocks

    def enqueue(self, i: Iteration, st: Stream) -> None:
        self.stream[st].push(i)
        self.ahead.push(i)
        self.moment[i] = Moment.ENQUEUED

    # ---- the host

    @action
    def observe(self) -> None:
        "The host waits for the oldest iteration that it has not waited for."
        require("an iteration is ahead", len(self.ahead) > 0)
        require("it is complete", self.moment[self.ahead.front] == Moment.COMPLETE)
        i = self.ahead.pop()
        self.moment[i] = Moment.OBSERVED

    # ---- the device

    @action
    def start(self, st: Stream) -> None:
        "The device begins the work at the front of a stream, or is at it."
        require("a work is enqueued", len(self.stream[st]) > 0)
        self.moment[self.stream[st].front] = Moment.EXECUTING

    # ---- what must always hold

    @lemma
    def ahead_is_launched(self) -> bool:
        "What the host is ahead of is enqueued, executing or complete."
        return all(
            self.is_pending(i) or self.moment[i] == Moment.COMPLETE
            for i in Iteration
            if i in self.ahead
        )

    @lemma
    def queued_is_pending(self) -> bool:
        "What is in a stream is pending, and in that stream only."
        return all(
            self.is_pending(i) for i in Iteration for st in Stream if i in self.stream[st]
        ) and all(
            i not in self.stream[Stream.SIDE] for i in Iteration if i in self.stream[Stream.MAIN]
        )
