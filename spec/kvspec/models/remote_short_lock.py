"""The scheduler lets go of the lock as soon as it has swapped, and finishes its job without.

It decides whether the lock must be kept from the second look to the end of the job, as `remote`
keeps it; it need not, because the references that the scheduler has taken keep everybody else
away from both blocks. Without those references the lock is not enough (`s3-7-claimed`). Nobody
ever finds the lock held, so that it need be fair to nobody.
"""

from __future__ import annotations

from kvspec.lang import eventually, lemma, require
from kvspec.models.remote import Reader
from kvspec.models.remote_proof import ProvedPool


class ShortLockPool(ProvedPool):
    """The lock covers the second look and the swap, and no more."""

    def keeps_lock(self) -> bool:
        return False

    @lemma
    def held_from_swap_to_entry(self) -> bool:
        "Between two steps, nobody holds the lock."
        return not self.locked

    @eventually(
        id="KV-LIV-01",
        why="S3.7: a pin that is never given back keeps its slot for ever",
        weak=("reader", "scheduler", "complete"),
        measure=("has_not_begun", "waits_for_write"),
    )
    def every_pin_comes_back(self, r: Reader) -> bool:
        "What a reader has it gives back, though the lock is fair to nobody."
        require("the reader has a block", self.has[r])
        return not self.has[r]
