"""Known bugs of staging, one file each: an override, by the id that `kvspec.bugs` has too.

To add one: its file, its line here; `tests/unit/test_staging_bugs.py` runs all that are here. A
wrong design that no staging can be made of has its reason in `NOT_STAGED`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kvimpl.bugs.staging import (
    s5_1,
    s5_2_unrecorded,
    s5_3,
    s5_4,
    s5_5_index,
    s5_5_rebound,
    s5_5_rows,
    s5_5_unclaimed,
    s5_5_unreleased,
    s5_6_hoards,
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
            s5_2_unrecorded.BUG,
            s5_3.BUG,
            s5_4.BUG,
            s5_5_rows.BUG,
            s5_5_index.BUG,
            s5_5_rebound.BUG,
            s5_5_unclaimed.BUG,
            s5_5_unreleased.BUG,
            s5_6_hoards.BUG,
            s5_7_early_event.BUG,
            s5_7_unqueried.BUG,
            s5_7_wrong_stream.BUG,
        )
    }
)

_WHOLE = (
    "a work of the device port executes whole, so no event can fire between its beginning and its "
    "end; what does is CUDA's programmatic event, which the port does not have"
)
NOT_STAGED: Mapping[str, str] = MappingProxyType({"s5-2-begun": _WHOLE, "s5-7-begun": _WHOLE})
"""The wrong designs of case S5 of which no staging can be made here, and why not."""

__all__ = ["NOT_STAGED", "STAGING_BUGS", "Shows", "StagingBug"]
