"""KV-INV-06: one half of the exchange is missing, so the levels no longer add up."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.offload import Block, OffloadSteps


class HalfAnExchange(OffloadSteps):
    """The spare keeps its host slot."""

    def exchange(self, a: Block, b: Block) -> None:
        self.taken[self.level_of(a)].discard(a)
        self.taken[self.level_of(b)].discard(b)
        self.slot[a] = self.slot[b]
        self.taken[self.level_of(a)].add(a)
        self.taken[self.level_of(b)].add(b)


BUG = Bug(
    id="inv-06-half-exchange",
    row="KV-INV-06",
    design="offload",
    machine=HalfAnExchange,
    source="TensorRT-LLM swapMemoryPoolBlockOffset, cut short",
    sentence="A primary slot belongs to no block and is lost.",
    breaks=(
        "bytes_follow_their_block",
        "free_and_taken_add_up",
        "chosen_at_their_levels",
        "slots_distinct",
        "used_count_is_not_negative",
    ),
    sizes={"P": 1, "S": 1},
)
