"""S5.7: the event is recorded on another stream than the gather's."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.staging import Iteration, Stream
from kvspec.models.staging_v2 import GatheredRows


class WrongStream(GatheredRows):
    """The event stands for what is enqueued on the other stream."""

    def record(self, i: Iteration, st: Stream) -> None:
        other = Stream.SIDE if st == Stream.MAIN else Stream.MAIN
        super().record(i, other)


BUG = Bug(
    id="s5-7-wrong-stream",
    row="S5.7",
    design="staging-v2",
    machine=WrongStream,
    source="TensorRT-LLM #15607, whose cure records it on the kernel's stream",
    sentence="The event says nothing of the gather, fires at once, and the buffer is given back.",
    breaks=(
        "pending_buffers_are_guarded",
        "pending_buffers_are_kept",
        "pending_rows_stand",
        "reads_what_was_launched",
    ),
    sizes={"R": 1, "D": 2},
)
