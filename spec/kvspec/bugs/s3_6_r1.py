"""S3.6 R1: the swap is outside the lock, and the release that follows does not ask for readers."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.remote import Block, SharedPool


class ReleaseUnguarded(SharedPool):
    """A claim takes no reference, so nothing tells the release that a reader has come."""

    def take(self, b: Block) -> None:
        self.claim(b)

    def may_not_go(self, b: Block) -> bool:
        return self.refs[b] > 0

    def may_not_come(self, b: Block) -> bool:
        return self.refs[b] > 0

    def keeps_lock(self) -> bool:
        return False

    def let_go(self, b: Block) -> None:
        self.free[self.level_of(b)].push(b)
        self.free_count[self.level_of(b)] += 1

    def enter(self, b: Block) -> None:
        self.refs[b] += 1
        self.in_table[b] = True


BUG = Bug(
    id="s3-6-r1",
    row="S3.6",
    design="remote",
    machine=ReleaseUnguarded,
    source="TensorRT-LLM fork PR #3, R1: found on paper, open in the published fix",
    sentence="A block pinned between swap and release is queued, and is a copy's target next.",
    breaks=(
        "queued_is_unreferenced",
        "queued_at_its_level",
        "references_counted",
        "tables_are_primary",
        "pinned_slots_stay_put",
        "nothing_is_read_while_written",
        "reader__reads",
        "scheduler__idle",
        "scheduler__sent",
        "scheduler__swapped",
        "scheduler__came",
    ),
    sizes={"P": 1, "S": 1},
    killed_by=("explicit",),
)
