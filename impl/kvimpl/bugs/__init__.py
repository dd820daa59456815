"""Known bugs of the manager, one file each: an override, by the id that `kvspec.bugs` has too.

To add one: its file, its line here, its run in `tests/unit/test_blocks_bugs.py`. `canary` fails at
the first allocation: a checker that misses it looks at nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kvimpl.bugs import (
    canary,
    inv_03_queued_in_flight,
    inv_07_half_swap,
    inv_10_kept_reference,
    inv_11_forgotten,
    inv_12_reused_in_host,
    inv_28_compute_too_early,
    inv_28_copies_too_early,
    inv_56_backwards,
    kv_001,
    kv_002,
    kv_017,
    kv_104,
    kv_119,
    kv_s05,
    kv_s07,
    kv_s08,
    s1_1,
    s1_4_uncounted_pin,
    s1_4_wrong_level,
    s1_5,
    s1_5_kept,
    s1_5_moved,
    s1_6,
    s1_6_expires_in_use,
    s1_6_unworthy,
)
from kvimpl.bugs.bug import Bug, Evidence, Needs

BUGS: Mapping[str, Bug] = MappingProxyType(
    {
        bug.id: bug
        for bug in (
            canary.BUG,
            inv_03_queued_in_flight.BUG,
            inv_07_half_swap.BUG,
            inv_10_kept_reference.BUG,
            inv_11_forgotten.BUG,
            inv_12_reused_in_host.BUG,
            inv_28_compute_too_early.BUG,
            inv_28_copies_too_early.BUG,
            inv_56_backwards.BUG,
            kv_001.BUG,
            kv_002.BUG,
            kv_017.BUG,
            kv_104.BUG,
            kv_119.BUG,
            kv_s05.BUG,
            kv_s07.BUG,
            kv_s08.BUG,
            s1_1.BUG,
            s1_4_uncounted_pin.BUG,
            s1_4_wrong_level.BUG,
            s1_5.BUG,
            s1_5_kept.BUG,
            s1_5_moved.BUG,
            s1_6.BUG,
            s1_6_expires_in_use.BUG,
            s1_6_unworthy.BUG,
        )
    }
)

__all__ = ["BUGS", "Bug", "Evidence", "Needs"]
