"""KV-INV-04: a placeholder is kept out of the queue and counted as free."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.window import Block, Kind, WindowPool


class HolesAreCounted(WindowPool):
    """The counter goes up before the kind is looked at."""

    def release_if_unused(self, b: Block) -> None:
        if self.is_unused(b):
            self.nfree += 1
            if self.kind[b] == Kind.REAL:
                self.free.push(b)


BUG = Bug(
    id="inv-04-counted-hole",
    row="KV-INV-04",
    design="window",
    machine=HolesAreCounted,
    source="TensorRT-LLM releaseBlock: placeholder ids are silently skipped, in the wrong place",
    sentence="The free counter counts blocks that nobody can have.",
    breaks=(
        "counter_counts",
        "unanchor",
        "finish",
        "slide",
    ),
)
