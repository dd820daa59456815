"""KV-INV-07: one half of the exchange is missing, so two blocks have one slot."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.tiers import Block, TieredPool


class HalfASwap(TieredPool):
    """Swap forgets to give the other block the first one's slot."""

    def swap(self, a: Block, b: Block) -> None:
        self.slot[a] = self.slot[b]


BUG = Bug(
    id="inv-07-half-swap",
    row="KV-INV-07",
    design="tiers",
    machine=HalfASwap,
    source="TensorRT-LLM swapMemoryPoolBlockOffset, cut short",
    sentence="After an offload two blocks name one slot, and one slot belongs to nobody.",
    breaks=(
        "held_in_primary",
        "slots_distinct",
        "copies_are_wanted",
        "slots_owned",
        "complete",
    ),
    sizes={"P": 1, "S": 1},
)
