"""Known bugs of staging, one file each: an override, by the id that `kvspec.bugs` has too.

To add one: its file, its line here; `tests/unit/test_staging_bugs.py` runs all that are here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kvimpl.bugs.staging import (
    s5_1,
    s5_3,
    s5_4,
    s5_5_index,
    s5_5_rebound,
    s5_5_rows,
    s5_7_early_event,
    s5_7_unqueried,
    s5_7_wrong_stream,
)
from kvimpl.bugs.staging.bug import Shows, StagingBug

STAGING_BUGS: Mapping[str, StagingBug] = MappingProxyType(
    {
        bug.id: bug
        for bug in (
            s5_1.BUG,
            s5_3.BUG,
            s5_4.BUG,
            s5_5_rows.BUG,
            s5_5_index.BUG,
            s5_5_rebound.BUG,
            s5_7_early_event.BUG,
            s5_7_unqueried.BUG,
            s5_7_wrong_stream.BUG,
        )
    }
)

__all__ = ["STAGING_BUGS", "Shows", "StagingBug"]
