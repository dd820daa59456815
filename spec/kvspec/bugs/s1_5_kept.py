"""S1.5: the last unpin lets go of the reference and does not queue the block."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.pins import Block, PinnedPool


class UnpinWithoutRelease(PinnedPool):
    """Unpin only counts down."""

    @action
    def unpin(self, b: Block) -> None:
        "The reader is done with a block, and nobody puts it back."
        require("it is pinned", self.pins[b] > 0)
        self.pins[b] -= 1
        self.refs[b] -= 1
        if self.pins[b] == 0:
            self.read_at[b] = self.home[b]


BUG = Bug(
    id="s1-5-kept",
    row="S1.5",
    design="pins",
    machine=UnpinWithoutRelease,
    source="TensorRT-LLM unpinBlocksById, without its release",
    sentence="After its unpin the block is neither in use nor free.",
    breaks=(
        "unpinned_as_if_never_pinned",
        "pin",
    ),
    sizes={"P": 1, "S": 1},
)
