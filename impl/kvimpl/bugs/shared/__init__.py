"""Known bugs of the shared manager, one file each: an override, by the id that `kvspec.bugs` has.

To add one: its file, its line here; `tests/unit/test_threads_bugs.py` runs all that are here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kvimpl.bugs.shared import (
    s3_1,
    s3_1_torn,
    s3_2,
    s3_3,
    s3_4,
    s3_4_atomic,
    s3_4_in_hand,
    s3_4_old_id,
    s3_4_undone_twice,
    s3_5,
    s3_6_r1,
    s3_6_r2,
    s3_6_r3,
    s3_6_r4,
    s3_7_claimed,
    s3_7_forgotten,
    s3_7_relock,
)
from kvimpl.bugs.shared.bug import SharedBug, Shows

SHARED_BUGS: Mapping[str, SharedBug] = MappingProxyType(
    {
        bug.id: bug
        for bug in (
            s3_1.BUG,
            s3_1_torn.BUG,
            s3_2.BUG,
            s3_3.BUG,
            s3_4.BUG,
            s3_4_atomic.BUG,
            s3_4_in_hand.BUG,
            s3_4_old_id.BUG,
            s3_4_undone_twice.BUG,
            s3_5.BUG,
            s3_6_r1.BUG,
            s3_6_r2.BUG,
            s3_6_r3.BUG,
            s3_6_r4.BUG,
            s3_7_claimed.BUG,
            s3_7_forgotten.BUG,
            s3_7_relock.BUG,
        )
    }
)

__all__ = ["SHARED_BUGS", "SharedBug", "Shows"]
