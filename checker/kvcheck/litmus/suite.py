"""The litmus suite: every program, what it may end in, and whether a race must be reported.

It decides what we take CUDA, and the allocators above it, to permit; each formalism is held to it.
To add a test: its line in the table that it belongs to; `docs/litmus.md` says what may be written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from kvcheck.litmus.notation import outcomes, program
from kvcheck.litmus.program import Outcome, Pageable, Program

RACY = True


@dataclass(frozen=True, slots=True)
class Litmus:
    """A test: `allowed` is exact, and `is_racy` says that some run must report a race."""

    name: str
    text: str
    start: str
    program: Program
    allowed: frozenset[Outcome]
    is_racy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a table: the notation's strings."""

    start: str = ""
    run: str
    ends: str = ""
    allowed: str
    racy: bool = False
    blocking: str = ""
    pageable: Pageable = Pageable.STAGED


STREAMS = MappingProxyType({
    "fifo_same_stream": Line(start="D=0", run="a: D=1; a: D=2", ends="D", allowed="2"),
    "kernel_then_copy_back_same_stream": Line(
        start="D=0 P=0", run="a: D=1; a: P<-D; sync a; read P", allowed="1"),
    "pinned_source_is_read_late": Line(
        start="D=0 P=1", run="a: D<-P; P=2", ends="D", allowed="1 2", racy=RACY),
    "pageable_source_staged": Line(
        start="D=0 G=1", run="a: D<-G; G=2", ends="D", allowed="1"),
    "pageable_source_late": Line(
        start="D=0 G=1", run="a: D<-G; G=2", ends="D", allowed="1 2", racy=RACY,
        pageable=Pageable.LATE),
    "kernel_reads_mapped_memory_late": Line(
        start="D=0 P=1", run="a: k(D<-P); P=2", ends="D", allowed="1 2", racy=RACY),
    "kernel_ints_are_copied_at_launch": Line(
        start="D=0 V=1", run="a: D=[V]; V=2", ends="D", allowed="1"),
    "two_streams_are_unordered": Line(
        start="D=0", run="a: D=1; b: D=2", ends="D", allowed="1 2", racy=RACY),
    "stream_sync_is_local": Line(
        start="P=0 X=1 Z=0", run="a: P<-X; b: Z=1; sync b; read P", allowed="0 1", racy=RACY),
    "device_sync_is_global": Line(start="P=0 X=1", run="a: P<-X; sync; read P", allowed="1"),
    "pinned_target_read_too_early": Line(
        start="P=0 X=1", run="a: P<-X; read P", allowed="0 1", racy=RACY),
    "pageable_target_staged": Line(start="G=0 X=1", run="a: G<-X; read G", allowed="1"),
    "pageable_target_late": Line(
        start="G=0 X=1", run="a: G<-X; read G", allowed="0 1", racy=RACY, pageable=Pageable.LATE),
    "message_without_sync": Line(
        start="D=0 O=9", run="a: D=1; b: k(O<-D)", ends="O", allowed="0 1", racy=RACY),
    "write_after_read_unordered": Line(
        start="D=0 O=9", run="a: k(O<-D); b: D=2", ends="O", allowed="0 2", racy=RACY),
    "host_calls_keep_stream_order": Line(
        start="D=0 P=0", run="a: f(P=1); a: D<-P; a: f(P=2)", ends="D P", allowed="1,2"),
    "host_call_blocks_the_copy_behind_it": Line(
        start="D=0 P=1", run="a: f(P=5); a: D<-P", ends="D", allowed="5"),
    "host_calls_of_two_streams_are_unordered": Line(
        start="P=0", run="a: f(P=1); b: f(P=2)", ends="P", allowed="1 2", racy=RACY),
    "batch_copies_are_unordered_inside": Line(
        start="D=1 E=2 O=9", run="a: batch(O<-D O<-E)", ends="O", allowed="1 2", racy=RACY),
    "batch_copies_do_not_feed_each_other_in_order": Line(
        start="D=1 E=2 O=9", run="a: batch(E<-D O<-E)", ends="O", allowed="1 2", racy=RACY),
    "batch_is_ordered_with_what_is_around_it": Line(
        start="D=1 E=2 O=9 X=9", run="a: D=3; a: batch(O<-D X<-E); a: E=4", ends="O X",
        allowed="3,2"),
    "two_cycles_of_copies_do_not_mix": Line(
        start="D=1 E=2", run="a: D<-E; b: E<-D", ends="D E", allowed="2,2 1,1", racy=RACY),
})  # fmt: skip

EVENTS = MappingProxyType({
    "event_sync_before_overwrite": Line(
        start="D=0 P=1", run="a: D<-P; a: record e; sync e; P=2", ends="D", allowed="1"),
    "query_true_guards_overwrite": Line(
        start="D=0 P=1", run="a: D<-P; a: record e; q=query e; if q: P=2", ends="D",
        allowed="T,1 F,1"),
    "event_before_reader_is_no_guard": Line(
        start="D=0 P=1", run="a: record e; a: k(D<-P); q=query e; if q: P=2", ends="D",
        allowed="T,1 T,2 F,1", racy=RACY),
    "record_and_wait_order": Line(
        start="D=0", run="a: D=1; a: record e; b: wait e; b: D=2", ends="D", allowed="2"),
    "wait_before_any_record_is_nothing": Line(
        start="D=0 O=9", run="b: wait e; a: D=1; a: record e; b: k(O<-D)", ends="O",
        allowed="0 1", racy=RACY),
    "wait_is_bound_to_the_earlier_record": Line(
        start="D=0 O=9", run="a: record e; b: wait e; a: D=1; a: record e; b: k(O<-D)", ends="O",
        allowed="0 1", racy=RACY),
    "wait_uses_the_latest_record": Line(
        start="D=0 O=9", run="a: record e; a: D=1; a: record e; b: wait e; b: k(O<-D)", ends="O",
        allowed="1"),
    "old_mark_stays_old_after_rerecording": Line(
        start="D=0 O=9", run="a: record e as m; a: D=1; a: record e; b: wait m; b: k(O<-D)",
        ends="O", allowed="0 1", racy=RACY),
    "query_of_unrecorded_is_true": Line(run="query e", allowed="T"),
    "query_after_sync_is_true": Line(
        start="D=0", run="a: D=1; a: record e; query e; sync e; query e", allowed="T,T F,T"),
    "query_never_goes_back": Line(run="a: record e; query e; query e", allowed="T,T F,F F,T"),
    "rerecording_resets_query": Line(
        start="D=0", run="a: record e; query e; a: D=1; a: record e; query e",
        allowed="T,T T,F F,T F,F"),
    "stream_query_means_all_that_is_in_it": Line(
        start="D=0 P=1", run="a: record e; a: D<-P; q=query a; if q: P=2", ends="D",
        allowed="T,1 F,1"),
    "event_sync_covers_only_what_was_before": Line(
        start="P=0 X=1 Y=2", run="a: P<-X; a: record e; a: P<-Y; sync e; read P", allowed="1 2",
        racy=RACY),
    "events_are_transitive": Line(
        start="D=0 O=9", run="a: D=1; a: record e; b: wait e; b: record f; c: wait f; c: k(O<-D)",
        ends="O", allowed="1"),
    "host_sync_passes_the_message_on": Line(
        start="D=0 O=9", run="a: D=1; a: record e; sync e; b: k(O<-D)", ends="O", allowed="1"),
    "write_after_read_ordered": Line(
        start="D=0 O=9", run="a: k(O<-D); a: record e; b: wait e; b: D=2", ends="O D",
        allowed="0,2"),
    "destroying_a_pending_event_cancels_no_wait": Line(
        start="D=0 O=9", run="a: D=1; a: record e; b: wait e; destroy e; b: k(O<-D)", ends="O",
        allowed="1"),
    "a_destroyed_event_orders_nothing_later": Line(
        start="D=0 O=9", run="a: D=1; a: record e; destroy e; b: wait e; b: k(O<-D)", ends="O",
        allowed="0 1", racy=RACY),
    "two_slots_with_events": Line(
        start="P1=1 P2=2 D=0 E=0 O=0",
        run="a: D<-P1; a: record e; a: E<-P2; a: record f; sync e; P1=3; a: O<-P1", ends="D E O",
        allowed="1,2,3"),
    "two_slots_with_the_events_swapped": Line(
        start="P1=1 P2=2 D=0 E=0 O=0",
        run="a: D<-P1; a: record e; a: E<-P2; a: record f; sync e; P2=3; a: O<-P2", ends="D E O",
        allowed="1,2,3 1,3,3", racy=RACY),
    "graph_replay_reads_its_staging_bytes_again": Line(
        start="P=1 D=0 O=9", run="a: replay(D<-P); a: k(O<-D); P=2; a: replay(D<-P)", ends="O D",
        allowed="1,2 2,2", racy=RACY),
    "graph_replay_with_a_fence_between": Line(
        start="P=1 D=0 O=9",
        run="a: replay(D<-P); a: record e; a: k(O<-D); sync e; P=2; a: replay(D<-P)", ends="O D",
        allowed="1,2"),
})  # fmt: skip

DEFAULT_STREAMS = MappingProxyType({
    "legacy_fences_blocking_streams": Line(
        start="D=0 O=9", run="a: D=1; legacy: D=2; a: k(O<-D)", ends="O", blocking="a",
        allowed="2"),
    "legacy_ignores_other_streams": Line(
        start="D=0", run="a: D=1; legacy: D=2", ends="D", allowed="1 2", racy=RACY),
    "blocking_streams_are_unordered_with_each_other": Line(
        start="D=0", run="a: D=1; b: D=2", ends="D", blocking="a b", allowed="1 2", racy=RACY),
    "legacy_orders_two_blocking_streams": Line(
        start="D=0 O=9 X=0", run="a: D=1; legacy: X=1; b: k(O<-D)", ends="O", blocking="a b",
        allowed="1"),
    "cupy_null_stream_ignores_torch_side_streams": Line(
        start="D=0 O=9", run="side: D=1; legacy: k(O<-D)", ends="O", allowed="0 1", racy=RACY),
    "cupy_null_stream_after_an_event": Line(
        start="D=0 O=9", run="side: D=1; side: record e; legacy: wait e; legacy: k(O<-D)",
        ends="O", allowed="1"),
    "per_thread_default_streams_are_fenced_by_legacy": Line(
        start="D=0 O=9", run="mine: D=1; legacy: D=2; mine: k(O<-D)", ends="O", blocking="mine",
        allowed="2"),
    "per_thread_default_streams_do_not_fence_each_other": Line(
        start="D=0", run="mine: D=1; side: D=2", ends="D", blocking="mine", allowed="1 2",
        racy=RACY),
})  # fmt: skip

ALLOCATORS = MappingProxyType({
    "torch_pool_protects_copies": Line(
        start="D=0 P=1", run="a: D<-P; free P; alloc Q; Q=2", ends="D", allowed="1"),
    "torch_pool_ignores_kernels": Line(
        start="D=0 P=1", run="a: k(D<-P); free P; alloc Q; Q=2", ends="D", allowed="1 2 poison",
        racy=RACY),
    "torch_pool_records_its_event_at_free": Line(
        start="D=0 X=0 P=1", run="a: X<-P; a: k(D<-P); free P; alloc Q; Q=2", ends="D",
        allowed="1"),
    "torch_pool_covers_no_other_stream": Line(
        start="D=0 X=0 P=1", run="a: X<-P; b: k(D<-P); free P; sync a; alloc Q; Q=2", ends="D",
        allowed="1 2 poison", racy=RACY),
    "torch_pool_loses_an_alias_with_an_offset": Line(
        start="D=0 P=1", run="a: alias(D<-P); free P; alloc Q; Q=2", ends="D",
        allowed="1 2 poison", racy=RACY),
    "torch_pool_covers_an_alias_behind_a_copy": Line(
        start="D=0 X=0 P=1", run="a: X<-P; a: alias(D<-P); free P; alloc Q; Q=2", ends="D",
        allowed="1"),
    "device_pool_reuse_without_record_stream": Line(
        start="D=1 O=9", run="b: k(O<-D); free D; alloc E; a: E=2", ends="O", allowed="1 2",
        racy=RACY),
    "device_pool_reuse_with_record_stream": Line(
        start="D=1 O=9", run="b: k(O<-D); b: uses D; free D; alloc E; a: E=2", ends="O",
        allowed="1"),
    "device_pool_reuse_on_one_stream": Line(
        start="D=1 O=9", run="a: k(O<-D); free D; alloc E; a: E=2", ends="O", allowed="1"),
    "device_pool_reuse_after_a_join": Line(
        start="D=1 O=9", run="b: k(O<-D); b: record e; a: wait e; free D; alloc E; a: E=2",
        ends="O", allowed="1"),
})  # fmt: skip

THREADS = MappingProxyType({
    "two_threads_on_one_stream": Line(
        start="D=0", run="a: D=1 || a: D=2", ends="D", allowed="1 2"),
    "two_threads_on_one_stream_stay_whole": Line(
        start="D=0 E=0", run="a: D=1; a: E=1 || a: D=2; a: E=2", ends="D E",
        allowed="1,1 2,2 1,2 2,1"),
    "two_threads_on_two_streams": Line(
        start="D=0", run="a: D=1 || b: D=2", ends="D", allowed="1 2", racy=RACY),
    "one_thread_waits_for_the_other_s_record": Line(
        start="D=0 O=9", run="a: D=1; a: record e || b: wait e; b: k(O<-D)", ends="O",
        allowed="0 1", racy=RACY),
    "one_thread_asks_for_the_other_s_stream": Line(
        start="D=0", run="a: D=1 || query a", ends="D", allowed="T,1 F,1"),
})  # fmt: skip

TABLES = MappingProxyType(
    {
        "Streams and copies": STREAMS,
        "Events": EVENTS,
        "Default streams": DEFAULT_STREAMS,
        "Allocators": ALLOCATORS,
        "Host threads": THREADS,
    }
)


def _test(name: str, line: Line) -> Litmus:
    made = program(
        line.start, line.run, ends=line.ends, blocking=line.blocking, pageable=line.pageable
    )
    return Litmus(name, line.run, line.start, made, outcomes(line.allowed), line.racy)


SUITE: Mapping[str, Litmus] = MappingProxyType(
    {name: _test(name, line) for table in TABLES.values() for name, line in table.items()}
)
