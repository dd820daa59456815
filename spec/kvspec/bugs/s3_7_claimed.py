"""S3.7: a claim takes no reference, so the last reader to leave queues the claimed block."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.remote import Block, SharedPool


class ClaimWithoutReference(SharedPool):
    """A claim takes the block off its queue and does no more."""

    def take(self, b: Block) -> None:
        self.claim(b)

    def may_not_go(self, b: Block) -> bool:
        return self.refs[b] > 0

    def may_not_come(self, b: Block) -> bool:
        return self.refs[b] > 0

    def let_go(self, b: Block) -> None:
        self.put_back(b)

    def enter(self, b: Block) -> None:
        self.refs[b] += 1
        self.in_table[b] = True


BUG = Bug(
    id="s3-7-claimed",
    row="S3.7",
    design="remote",
    machine=ClaimWithoutReference,
    source="TensorRT-LLM fork PR #3: a fifth hole in its published fix, found by the search",
    sentence="A reader pins a block that is claimed, lets go of it, and so puts it on the queue.",
    breaks=(
        "queued_at_its_level",
        "queued_is_unreferenced",
        "tables_are_primary",
        "scheduler__idle",
    ),
    sizes={"P": 1, "S": 1},
    killed_by=("explicit",),
)
