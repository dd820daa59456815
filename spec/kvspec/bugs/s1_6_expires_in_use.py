"""S1.6: a claimed block stays in the set of those that await expiry."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.retention import Block, RetentionPool


class ClaimKeepsTheAlarm(RetentionPool):
    """Claim leaves the expiring set alone."""

    def claim(self, b: Block) -> None:
        level = self.level_of(b)
        self.free[level][self.priority[b]].remove(b)
        self.nfree[level] -= 1


BUG = Bug(
    id="s1-6-expires-in-use",
    row="S1.6",
    design="retention",
    machine=ClaimKeepsTheAlarm,
    source="TensorRT-LLM refresh, which demotes blocks in use; PR #12297 demotes only queued ones",
    sentence="A block in use expires, and is looked for in a queue that it left.",
    breaks=(
        "only_free_blocks_expire",
        "expire",
    ),
    sizes={"P": 1, "S": 1},
)
