"""S5.7: the event is recorded before the gather is enqueued."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.staging import Iteration, Stream
from kvspec.models.staging_v2 import GatheredRows


class EarlyEvent(GatheredRows):
    """The event stands for what is enqueued before the gather."""

    def enqueue_guarded(self, i: Iteration, st: Stream) -> None:
        self.record(i, st)
        self.enqueue(i, st)


BUG = Bug(
    id="s5-7-early-event",
    row="S5.7",
    design="staging-v2",
    machine=EarlyEvent,
    source="TensorRT-LLM #15607, whose cure records it after the kernel",
    sentence="The event fires while the gather is pending, and the buffer is given back.",
    breaks=(
        "pending_buffers_are_guarded",
        "pending_buffers_are_kept",
        "pending_rows_stand",
        "reads_what_was_launched",
    ),
    sizes={"R": 1, "D": 2},
)
