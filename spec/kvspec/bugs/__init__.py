"""Known bugs, one file each: a design with a method overridden, by the id the command line takes.

To add one: its file, its line here, its tests. `s1-*` are the rows of case S1; `inv-*` are there so
that no invariant is without a design that breaks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kvspec.bugs import (
    inv_02_early_push,
    inv_03_anchored_in_queue,
    inv_03_queued_in_flight,
    inv_04_counted_hole,
    inv_06_half_exchange,
    inv_07_half_swap,
    inv_10_kept_reference,
    inv_10_uncounted_hold,
    inv_11_forgotten,
    inv_11_not_put_back,
    inv_11_slid_away,
    inv_12_hit_in_host,
    inv_12_reused_in_host,
    inv_13_placeholder_freed,
    inv_20_shared_writer,
    inv_26_reads_too_early,
    inv_27_early_fill,
    inv_27_one_reader,
    inv_27_writes_too_early,
    inv_28_compute_too_early,
    inv_28_half_begin,
    inv_29_half_end,
    inv_29_sync_in_mid_step,
    inv_56_backwards,
    inv_56_left_behind,
    inv_57_shared_hole,
    s1_1,
    s1_2_early_release,
    s1_2_late_claim,
    s1_2_lost_victim,
    s1_2_second_claim,
    s1_2_wrong_release,
    s1_3_no_entry,
    s1_3_not_cleared,
    s1_3_not_updated,
    s1_3_recomputed,
    s1_4_clamped,
    s1_4_expiry_counted,
    s1_4_forgotten,
    s1_4_stored_counter,
    s1_4_uncounted_pin,
    s1_4_wrong_level,
    s1_5,
    s1_5_kept,
    s1_5_moved,
    s1_6,
    s1_6_demoted_in_place,
    s1_6_expires_in_use,
    s1_6_idle_alarm,
    s1_6_unworthy,
)
from kvspec.bugs.bug import Bug

BUGS: Mapping[str, Bug] = MappingProxyType(
    {
        bug.id: bug
        for bug in (
            s1_1.BUG,
            s1_2_early_release.BUG,
            s1_2_late_claim.BUG,
            s1_2_lost_victim.BUG,
            s1_2_second_claim.BUG,
            s1_2_wrong_release.BUG,
            s1_3_no_entry.BUG,
            s1_3_not_cleared.BUG,
            s1_3_not_updated.BUG,
            s1_3_recomputed.BUG,
            s1_4_clamped.BUG,
            s1_4_expiry_counted.BUG,
            s1_4_forgotten.BUG,
            s1_4_stored_counter.BUG,
            s1_4_uncounted_pin.BUG,
            s1_4_wrong_level.BUG,
            s1_5.BUG,
            s1_5_kept.BUG,
            s1_5_moved.BUG,
            s1_6.BUG,
            s1_6_demoted_in_place.BUG,
            s1_6_expires_in_use.BUG,
            s1_6_idle_alarm.BUG,
            s1_6_unworthy.BUG,
            inv_02_early_push.BUG,
            inv_03_anchored_in_queue.BUG,
            inv_03_queued_in_flight.BUG,
            inv_04_counted_hole.BUG,
            inv_06_half_exchange.BUG,
            inv_07_half_swap.BUG,
            inv_10_kept_reference.BUG,
            inv_10_uncounted_hold.BUG,
            inv_11_forgotten.BUG,
            inv_11_not_put_back.BUG,
            inv_11_slid_away.BUG,
            inv_12_hit_in_host.BUG,
            inv_12_reused_in_host.BUG,
            inv_13_placeholder_freed.BUG,
            inv_20_shared_writer.BUG,
            inv_26_reads_too_early.BUG,
            inv_27_early_fill.BUG,
            inv_27_one_reader.BUG,
            inv_27_writes_too_early.BUG,
            inv_28_compute_too_early.BUG,
            inv_28_half_begin.BUG,
            inv_29_half_end.BUG,
            inv_29_sync_in_mid_step.BUG,
            inv_56_backwards.BUG,
            inv_56_left_behind.BUG,
            inv_57_shared_hole.BUG,
        )
    }
)

__all__ = ["BUGS", "Bug"]
