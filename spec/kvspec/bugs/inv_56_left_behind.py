"""KV-INV-56: the spare takes the victim's slot and the victim keeps it, away from its bytes."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.offload import Block, OffloadSteps


class VictimLeftBehind(OffloadSteps):
    """The other half of the exchange is missing."""

    def exchange(self, a: Block, b: Block) -> None:
        self.taken[self.level_of(a)].discard(a)
        self.taken[self.level_of(b)].discard(b)
        self.slot[b] = self.slot[a]
        self.taken[self.level_of(a)].add(a)
        self.taken[self.level_of(b)].add(b)


BUG = Bug(
    id="inv-56-left-behind",
    row="KV-INV-56",
    design="offload",
    machine=VictimLeftBehind,
    source="TensorRT-LLM swapMemoryPoolBlockOffset, cut short",
    sentence="The victim still names the device slot that the request will write.",
    breaks=(
        "bytes_follow_their_block",
        "free_and_taken_add_up",
        "chosen_at_their_levels",
        "slots_distinct",
        "used_count_is_not_negative",
    ),
    sizes={"P": 1, "S": 1},
)
