"""The scheduler lets go of the lock as soon as it has swapped, and finishes its job without.

It decides whether the lock must be kept from the second look to the end of the job, as `remote`
keeps it; it need not, because the references that the scheduler has taken keep everybody else
away from both blocks. Without those references the lock is not enough (`s3-7-claimed`).
"""

from __future__ import annotations

from kvspec.models.remote_proof import ProvedPool


class ShortLockPool(ProvedPool):
    """The lock covers the second look and the swap, and no more."""

    def keeps_lock(self) -> bool:
        return False
