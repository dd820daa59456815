"""Each wrong design breaks exactly what it says, in exactly so many steps."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kvcheck.explore import AfterViolation, Engine, Options, explore
from kvcheck.trace.path import confirm
from kvspec.bugs import BUGS
from kvspec.models import STATED

# bug: what breaks, and the steps of the shortest run to each
LENGTHS = {
    "s1-1": {"offload_allocate": 4},
    "s1-2-early-release": {
        "free_and_taken_add_up": 5,
        "queued_at_its_level": 5,
        "taken_is_not_free": 5,
        "used_count_is_not_negative": 7,
        "allocate": 7,
    },
    "s1-2-late-claim": {
        "spare_is_kept_back": 2,
        "nobody_reaches_the_swapped": 3,
        "free_and_taken_add_up": 5,
        "queued_at_its_level": 5,
        "taken_is_not_free": 5,
        "release_victim": 6,
    },
    "s1-2-lost-victim": {"chosen_are_queued": 6, "nothing_is_lost": 7},
    "s1-2-second-claim": {"hand_out": 7},
    "s1-2-wrong-release": {"chosen_are_queued": 6, "spare_is_kept_back": 6, "nothing_is_lost": 7},
    "s1-3-no-entry": {"one_queue_each": 2, "release": 3},
    "s1-3-not-cleared": {"entry_names_its_queue": 1, "claim": 2},
    "s1-3-not-updated": {"entry_names_its_queue": 3, "one_queue_each": 3, "claim": 4},
    "s1-3-recomputed": {"claim": 2},
    "s1-4-clamped": {"counters_count": 2, "used_count_is_not_negative": 2},
    "s1-4-expiry-counted": {"counters_count": 3, "expire": 6},
    "s1-4-forgotten": {
        "counters_count": 1,
        "used_count_is_not_negative": 2,
        "release": 4,
        "release_victim": 14,
    },
    "s1-4-stored-counter": {"counters_count": 2, "claim": 3},
    "s1-4-uncounted-pin": {"counters_count": 1, "unpin": 4, "release": 9},
    "s1-4-wrong-level": {"counters_count": 2, "claim_victim": 3},
    "s1-5": {
        "queued_is_unreferenced": 1,
        "pinned_slots_stay_put": 2,
        "unpin": 2,
        "allocate": 3,
        "offload": 3,
    },
    "s1-5-kept": {"unpinned_as_if_never_pinned": 2, "pin": 3},
    "s1-5-moved": {"pinned_slots_stay_put": 2},
    "s1-6": {"favours_end": 3, "ghost_agrees": 3},
    "s1-6-demoted-in-place": {
        "queued_where_it_belongs": 3,
        "allocate": 4,
        "offload_allocate": 4,
        "reuse": 4,
    },
    "s1-6-expires-in-use": {"only_free_blocks_expire": 3, "expire": 4},
    "s1-6-idle-alarm": {"only_free_blocks_expire": 2},
    "s1-6-unworthy": {"host_memory_is_for_the_worthy": 3},
    "inv-02-early-push": {
        "queued_at_its_level": 7,
        "queued_is_unused": 7,
        "allocate": 8,
        "held_in_primary": 9,
        "copies_are_wanted": 12,
        "copies_move": 12,
        "offload_allocate": 12,
        "complete": 14,
    },
    "inv-03-anchored-in-queue": {"queued_is_unused": 1, "unanchor": 2},
    "inv-03-queued-in-flight": {"queued_is_unused": 4, "complete": 5},
    "inv-04-counted-hole": {"counter_counts": 2, "unanchor": 6, "finish": 7, "slide": 8},
    "inv-06-half-exchange": {
        "bytes_follow_their_block": 5,
        "free_and_taken_add_up": 5,
        "chosen_at_their_levels": 5,
        "slots_distinct": 5,
        "used_count_is_not_negative": 8,
    },
    "inv-07-half-swap": {
        "held_in_primary": 4,
        "slots_distinct": 4,
        "copies_are_wanted": 4,
        "slots_owned": 4,
        "complete": 5,
    },
    "inv-10-kept-reference": {"references_counted": 2},
    "inv-10-uncounted-hold": {"references_counted": 1, "pin": 2, "release": 2},
    "inv-11-forgotten": {"idle_is_queued": 5},
    "inv-11-not-put-back": {"favours_end": 2, "queued_iff_not_held": 2},
    "inv-11-slid-away": {"unused_is_queued": 2},
    "inv-12-hit-in-host": {"held_in_primary": 1},
    "inv-12-reused-in-host": {"held_in_primary": 5},
    "inv-13-placeholder-freed": {
        "only_real_blocks_are_free": 2,
        "queued_is_unused": 3,
        "unanchor": 4,
        "finish": 6,
        "one_hole_each": 7,
    },
    "inv-20-shared-writer": {"writer_is_alone": 2, "commit": 3},
    "inv-26-reads-too-early": {"conflicts_are_ordered": 3, "source_is_written": 4},
    "inv-27-early-fill": {"source_is_not_overwritten": 5},
    "inv-27-one-reader": {
        "entries_outlive_their_need": 3,
        "conflicts_are_ordered": 4,
        "target_is_unused": 7,
    },
    "inv-27-writes-too-early": {"conflicts_are_ordered": 3, "target_is_unused": 4},
    "inv-28-compute-too-early": {"conflicts_are_ordered": 3, "steps_take_turns": 4},
    "inv-28-half-begin": {
        "steps_begin_after_compute": 2,
        "conflicts_are_ordered": 3,
        "entries_outlive_their_need": 4,
        "steps_take_turns": 4,
    },
    "inv-29-half-end": {
        "entries_outlive_their_need": 3,
        "compute_is_remembered": 3,
        "conflicts_are_ordered": 3,
        "steps_take_turns": 4,
    },
    "inv-29-sync-in-mid-step": {
        "entries_outlive_their_need": 3,
        "conflicts_are_ordered": 4,
        "source_is_written": 5,
        "target_is_unused": 5,
    },
    "inv-56-backwards": {"copy_is_the_pair_s": 4, "bytes_follow_their_block": 5},
    "inv-56-left-behind": {
        "bytes_follow_their_block": 5,
        "free_and_taken_add_up": 5,
        "chosen_at_their_levels": 5,
        "slots_distinct": 5,
        "used_count_is_not_negative": 8,
    },
    "inv-57-shared-hole": {"one_hole_each": 4},
    "inv-76-no-mutex": {"one_owner": 3},
    "kv-001": {
        "queued_is_unused": 4,
        "references_counted": 5,
        "held_in_primary": 5,
        "release": 5,
    },
    "kv-014": {
        "free_is_unused": 2,
        "give_up": 3,
        "reserved_is_unused": 3,
        "remove": 4,
        "done": 6,
        "let_go": 7,
    },
    "kv-016": {"unused_is_free": 4},
    "kv-017": {
        "free_is_unused": 3,
        "reserved_is_unused": 4,
        "done": 4,
        "let_go": 5,
        "give_up": 6,
        "remove": 7,
    },
    "kv-019": {"pins_are_queued": 3, "ask": 4},
    "kv-040": {"hot_is_current": 4},
    "kv-040-replaced": {"hot_is_current": 4},
    "kv-057": {"put_beside": 2},
    "kv-104": {"locks_are_taken_in_order": 2, "deadlock": 5},
    "kv-105": {"locks_are_taken_in_order": 2, "deadlock": 5},
    "kv-119": {"open": 4},
    "kv-042": {
        "entries_outlive_their_need": 3,
        "conflicts_are_ordered": 4,
        "target_is_unused": 7,
    },
    "s3-1": {"reader__counted": 8, "counted": 15, "scheduler__idle": 17},
    "s3-1-torn": {
        "references_counted": 8,
        "pinned_slots_stay_put": 12,
        "queued_at_its_level": 14,
        "scheduler__idle": 14,
        "reader__reads": 14,
        "scheduler__swapped": 15,
        "tables_are_primary": 16,
        "nothing_is_read_while_written": 20,
        "nothing_is_lost": 23,
        "queued_is_unreferenced": 26,
        "scheduler__sent": 26,
        "scheduler__came": 28,
        "scheduler__coming": 30,
    },
    "s3-2": {"scheduler__peeked": 11},
    "s3-3": {"pinned_slots_stay_put": 19},
    "s3-4": {
        "queued_is_unreferenced": 8,
        "reader__looked": 10,
        "reader__reads": 10,
        "pinned_slots_stay_put": 21,
        "nothing_is_read_while_written": 21,
    },
    "s3-4-atomic": {
        "queued_is_unreferenced": 7,
        "reader__counted": 10,
        "pinned_slots_stay_put": 20,
    },
    "s3-4-in-hand": {
        "pinned_slots_stay_put": 19,
        "nothing_is_read_while_written": 19,
        "readers_have_what_they_were_told": 21,
    },
    "s3-4-old-id": {"readers_have_what_they_were_told": 8},
    "s3-4-undone-twice": {
        "references_counted": 8,
        "scheduler__idle": 10,
        "tables_are_primary": 12,
        "queued_at_its_level": 14,
        "reader__reads": 14,
        "scheduler__swapped": 15,
        "pinned_slots_stay_put": 16,
        "nothing_is_lost": 23,
        "nothing_is_read_while_written": 24,
        "scheduler__came": 24,
        "queued_is_unreferenced": 25,
        "scheduler__sent": 25,
        "scheduler__coming": 25,
    },
    "s3-5": {"pinned_slots_stay_put": 11},
    "s3-6-r1": {
        "queued_is_unreferenced": 11,
        "queued_at_its_level": 13,
        "reader__reads": 13,
        "scheduler__swapped": 15,
        "tables_are_primary": 16,
        "scheduler__idle": 16,
        "pinned_slots_stay_put": 20,
        "nothing_is_read_while_written": 20,
        "scheduler__sent": 24,
        "references_counted": 25,
        "scheduler__came": 31,
    },
    "s3-6-r2": {
        "queued_is_unreferenced": 8,
        "reader__reads": 10,
        "pinned_slots_stay_put": 21,
        "nothing_is_read_while_written": 21,
    },
    "s3-6-r3": {"tables_are_primary": 19},
    "s3-6-r4": {"nothing_is_read_while_written": 14},
    "s3-7-barged": {
        "queued_is_unreferenced": 13,
        "reader__reads": 16,
        "pinned_slots_stay_put": 21,
        "nothing_is_read_while_written": 21,
    },
    "s3-7-claimed": {
        "queued_at_its_level": 13,
        "queued_is_unreferenced": 16,
        "tables_are_primary": 16,
        "scheduler__idle": 16,
    },
    "s3-7-crossed": {"copies_do_not_cross": 15},
    "s3-7-forgotten": {"nothing_is_lost": 10, "scheduler__idle": 14},
    "s3-7-relock": {"deadlock": 6},
    "s3-7-stale-note": {"notes_end_with_their_copy": 9},
    "s5-1": {"tables_are_not_sources": 1, "pending_rows_stand": 2, "sends_what_was_staged": 3},
    "s5-2-begun": {
        "pending_sources_are_not_handed_out": 3,
        "pending_sources_are_recorded": 3,
        "pending_rows_stand": 5,
        "sends_what_was_staged": 6,
    },
    "s5-2-unrecorded": {
        "pending_sources_are_recorded": 1,
        "pending_sources_are_not_handed_out": 2,
        "pending_rows_stand": 4,
        "sends_what_was_staged": 5,
    },
    "s5-3": {"tables_stay": 1, "readers_see_the_rows": 2, "readers_have_the_table": 2},
    "s5-4": {
        "pending_buffers_are_kept": 2,
        "pending_buffers_are_guarded": 2,
        "pending_rows_stand": 4,
        "reads_what_was_launched": 5,
    },
    "s5-5-index": {"reads_what_was_launched": 6},
    "s5-5-rebound": {"reads_what_was_launched": 5},
    "s5-5-rows": {"reads_what_was_launched": 4},
    "s5-5-unclaimed": {
        "bound_slots_are_taken": 1,
        "rows_are_their_request_s": 2,
        "pending_rows_stand": 3,
        "reads_what_was_launched": 4,
    },
    "s5-5-unreleased": {"taken_slots_are_bound": 2, "deadlock": 2},
    "s5-6-hoards": {"at_most_depth_buffers": 5},
    "s5-7-begun": {
        "pending_buffers_are_kept": 4,
        "pending_buffers_are_guarded": 4,
        "pending_rows_stand": 6,
        "reads_what_was_launched": 7,
    },
    "s5-7-early-event": {
        "pending_buffers_are_guarded": 2,
        "pending_buffers_are_kept": 3,
        "pending_rows_stand": 5,
        "reads_what_was_launched": 6,
    },
    "s5-7-unqueried": {
        "pending_buffers_are_kept": 3,
        "pending_buffers_are_guarded": 3,
        "pending_rows_stand": 5,
        "reads_what_was_launched": 6,
    },
    "s5-7-wrong-stream": {
        "pending_buffers_are_guarded": 2,
        "pending_buffers_are_kept": 3,
        "pending_rows_stand": 5,
        "reads_what_was_launched": 6,
    },
}

# above 300 thousand states: only the shortest run is looked for
LARGE = {
    "inv-27-one-reader": {"entries_outlive_their_need": 3},
    "kv-042": {"entries_outlive_their_need": 3},
    "s5-5-index": {"reads_what_was_launched": 6},
}


def found_in(bug, after):
    model = bug.machine.instance(**bug.sizes)
    result = explore(model, Options(engine=Engine.PYTHON, after_violation=after))
    for one in result.findings:
        confirm(model, one.finding)
    return {
        one.finding.name: len(one.finding.path.moves)
        for one in result.findings
        if one.finding.name in bug.breaks
    }


@pytest.mark.parametrize("bug", BUGS.values(), ids=list(BUGS))
def test_a_bug_breaks_what_it_says_in_the_fewest_steps(bug):
    assert set(LENGTHS[bug.id]) == set(bug.breaks)
    if bug.id in LARGE:
        assert found_in(bug, AfterViolation.STOP) == LARGE[bug.id]
    else:
        assert found_in(bug, AfterViolation.CONTINUE) == LENGTHS[bug.id]


@pytest.mark.parametrize(
    ("design", "sizes"),
    sorted({(b.design, tuple(b.sizes.items())) for b in BUGS.values() if b.id not in LARGE}),
)
def test_the_right_design_is_clean_where_its_bugs_are_found(design, sizes):
    model = STATED[design].instance(**dict(sizes))
    result = explore(model, Options(engine=Engine.PYTHON))
    assert result.complete
    assert result.findings == ()


def test_the_page_of_case_s3_says_how_short_the_runs_are():
    page = (Path(__file__).parents[2] / "docs" / "cases" / "s3.md").read_text("utf-8")
    told = re.findall(r"^\|.* `(s3-[\w-]+)` \|.*\| (\d+) steps \|$", page, re.MULTILINE)
    assert len(told) == 15
    assert {bug: int(steps) for bug, steps in told} == {
        bug: min(LENGTHS[bug].values()) for bug, _ in told
    }


def test_the_shortest_s1_1_run_stores_releases_and_allocates_again():
    bug = BUGS["s1-1"]
    result = explore(bug.machine.instance(**bug.sizes), Options(engine=Engine.PYTHON))
    moves = [move.action for move in result.findings[0].finding.path.moves]
    assert moves == ["allocate", "commit", "release", "offload_allocate"]
    assert result.findings[0].finding.message == "remove of what is not in free"


def test_a_copy_in_place_is_right_where_its_source_is_read_during_the_call():
    model = BUGS["s5-1"].machine.instance(CALL=2)
    result = explore(model, Options(engine=Engine.PYTHON))
    assert result.complete
    assert result.findings == ()


@pytest.mark.parametrize(
    "name", ["s5-4", "s5-7-begun", "s5-7-early-event", "s5-7-unqueried", "s5-7-wrong-stream"]
)
def test_a_buffer_given_back_too_early_is_read_wrongly_from_a_depth_of_two_on(name):
    model = BUGS[name].machine.instance(R=1, D=1)
    result = explore(model, Options(engine=Engine.PYTHON, after_violation=AfterViolation.CONTINUE))
    assert result.complete
    assert {one.finding.name for one in result.findings} == {
        "pending_buffers_are_guarded",
        "pending_buffers_are_kept",
    }


def test_notes_without_a_level_do_no_harm_to_two_slots_a_level():
    result = explore(BUGS["kv-042"].machine.instance(S=4), Options(engine=Engine.AUTO))
    assert result.complete
    assert result.findings == ()
