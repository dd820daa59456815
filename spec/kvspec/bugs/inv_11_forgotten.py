"""KV-INV-11: a copy completes and nobody queues the block that it moved."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.tiers import Stream, TieredPool


class ForgottenAfterTheCopy(TieredPool):
    """Completion takes the copy off the stream and does nothing else."""

    @action
    def complete(self, st: Stream) -> None:
        "The oldest copy of a stream is complete."
        require("a copy is in flight", len(self.pending[st]) > 0)
        self.pending[st].pop()


BUG = Bug(
    id="inv-11-forgotten",
    row="KV-INV-11",
    design="tiers",
    machine=ForgottenAfterTheCopy,
    source="TensorRT-LLM #13029: a claimed copy source must be released after the copy",
    sentence="The moved block is neither in use nor free.",
    breaks=("idle_is_queued",),
    sizes={"P": 1, "S": 1},
)
