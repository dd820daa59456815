"""KV-INV-11: nobody puts a block back after its copy."""

from __future__ import annotations

from kvimpl.blocks.pool import BlockPool
from kvimpl.bugs.bug import Bug, Evidence
from kvspec.events import Complete, Stream


class ForgottenAfterTheCopy(BlockPool):
    """Completion takes the copy off the stream and does nothing else."""

    def complete(self, stream: Stream) -> bool:
        sent = self.copies.pop_complete(stream)
        if sent is not None and self.reporter is not None:
            step = Complete(stream, sent.copy, sent.source, sent.target)
            self.reporter.report(step, self)
        return sent is not None


BUG = Bug(
    id="inv-11-forgotten",
    row="KV-INV-11",
    design="tiers",
    source="TensorRT-LLM #13029: a claimed copy source must be released after the copy",
    sentence="The moved block is neither in use nor free.",
    evidence=Evidence.STEP,
    pool=ForgottenAfterTheCopy,
)
