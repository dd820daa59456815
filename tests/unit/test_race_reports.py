"""A race report names both accesses, why nothing orders them, and a repair that a run confirms."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from kvcheck.race import Gap, NotedRun, RaceReport, explained, noted_run, orders, rerun
from kvcheck.schedule import Eager, HostFirst, Replay
from kvimpl.device.port import Bytes, Device, Finding, Kernel, Mode, Space
from kvimpl.device.port.steps import Schedule


def _copy(arguments: Sequence[Bytes | int]) -> None:
    target, source = arguments
    assert not isinstance(target, int)
    assert not isinstance(source, int)
    target.write(source.read())


GATHER = Kernel("gather", (Mode.WRITE, Mode.READ), _copy)


class Rows:
    """A host table of 64 bytes that a kernel gathers on stream s1."""

    def __init__(self, dev: Device) -> None:
        self.dev = dev
        self.s1, self.s2 = dev.stream("s1"), dev.stream("s2")
        self.rows = dev.alloc(64, Space.PINNED, label="rows")
        self.out = dev.alloc(64, Space.DEVICE, label="out")
        self.e = dev.event("e")
        self.write(1)

    def write(self, value: int) -> None:
        self.dev.host_write(self.rows.view(), bytes([value]) * 64)

    def gather(self) -> None:
        self.dev.launch(GATHER, (self.out.view(), self.rows.view()), self.s1)


def unguarded(dev: Device) -> None:
    r = Rows(dev)
    r.gather()
    r.write(2)


def early_event(dev: Device) -> None:
    r = Rows(dev)
    dev.record(r.e, r.s1)
    r.gather()
    dev.synchronize(r.e)
    r.write(2)


def wrong_stream(dev: Device) -> None:
    r = Rows(dev)
    r.gather()
    dev.record(r.e, r.s2)
    dev.synchronize(r.e)
    r.write(2)


def unqueried(dev: Device) -> None:
    r = Rows(dev)
    r.gather()
    dev.record(r.e, r.s1)
    r.write(2)


def said_no(dev: Device) -> None:
    r = Rows(dev)
    r.gather()
    dev.record(r.e, r.s1)
    dev.query(r.e)
    r.write(2)


def never_recorded(dev: Device) -> None:
    r = Rows(dev)
    r.gather()
    dev.synchronize(r.e)
    r.write(2)


def waits_for_old_mark(dev: Device) -> None:
    r = Rows(dev)
    mark = dev.record(r.e, r.s1)
    r.gather()
    dev.record(r.e, r.s1)
    dev.synchronize(mark)
    r.write(2)


def synchronizes_other_stream(dev: Device) -> None:
    r = Rows(dev)
    r.gather()
    dev.synchronize(r.s2)
    r.write(2)


def waits_too_late(dev: Device) -> None:
    r = Rows(dev)
    r.gather()
    dev.record(r.e, r.s1)
    r.write(2)
    dev.synchronize(r.e)


def waited_before(dev: Device) -> None:
    r = Rows(dev)
    r.gather()
    dev.synchronize(r.s1)
    r.gather()
    r.write(2)


def two_streams(dev: Device) -> None:
    r = Rows(dev)
    r.gather()
    dev.fill(r.out.view(0, 8), 7, r.s2, label="clear")


def third_stream_waits(dev: Device) -> None:
    r = Rows(dev)
    r.gather()
    dev.record(r.e, r.s1)
    dev.wait(dev.stream("s3"), r.e)
    dev.fill(r.out.view(), 7, r.s2, label="clear")


def early_and_unawaited(dev: Device) -> None:
    r = Rows(dev)
    dev.record(r.e, r.s1)
    r.gather()
    r.write(2)


def early_and_done_with(dev: Device) -> None:
    r = Rows(dev)
    mark = dev.record(r.e, r.s1)
    dev.wait(r.s2, mark)
    r.gather()
    r.write(2)


def early_elsewhere(dev: Device) -> None:
    r = Rows(dev)
    dev.record(r.e, r.s2)
    r.gather()
    r.write(2)


def freed(dev: Device) -> None:
    r = Rows(dev)
    r.gather()
    dev.free(r.rows)


def pool_reuse(dev: Device) -> None:
    r = Rows(dev)
    r.gather()
    dev.free(r.rows)
    r.rows = dev.alloc(64, Space.PINNED, label="next")
    r.write(2)


def two_tasks(dev: Device) -> None:
    r = Rows(dev)
    other = dev.spawn("filler", lambda: r.write(2))
    dev.host_read(r.rows.view())
    other.join()


SHAPES: list[tuple[Callable[[Device], None], set[Gap], str]] = [
    (
        unguarded,
        set(),
        "race: host write of rows[0:64) at step 4 is unordered with the read of rows[0:64) by "
        "gather on stream s1, enqueued at step 3. Nothing between them orders it. Recording an "
        "event after the gather and waiting for it before the host write at step 4 would.",
    ),
    (
        early_event,
        {Gap.RECORDED_EARLY},
        "race: host write of rows[0:64) at step 7 is unordered with the read of rows[0:64) by "
        "gather on stream s1, enqueued at step 4. Event e was recorded at step 3, before the "
        "gather was enqueued at step 4, so waiting for it at step 6 orders nothing here. Recording "
        "e on stream s1 after the gather would: waiting for it at step 6 then covers it.",
    ),
    (
        wrong_stream,
        {Gap.OTHER_STREAM},
        "race: host write of rows[0:64) at step 8 is unordered with the read of rows[0:64) by "
        "gather on stream s1, enqueued at step 3. Event e was recorded at step 4 on stream s2, and "
        "the gather is on stream s1, so waiting for it at step 7 orders nothing here. Recording e "
        "on stream s1 after the gather would: waiting for it at step 7 then covers it.",
    ),
    (
        unqueried,
        {Gap.NOT_AWAITED},
        "race: host write of rows[0:64) at step 5 is unordered with the read of rows[0:64) by "
        "gather on stream s1, enqueued at step 3. Event e was recorded at step 4, after the "
        "gather, but nothing waits for it before the host write at step 5. Waiting for e, recorded "
        "at step 4, before the host write at step 5 would.",
    ),
    (
        said_no,
        {Gap.ANSWERED_NO},
        "race: host write of rows[0:64) at step 6 is unordered with the read of rows[0:64) by "
        "gather on stream s1, enqueued at step 3. Event e was recorded at step 4, after the "
        "gather, but the query at step 5 said no, which orders nothing. Waiting for e, recorded at "
        "step 4, before the host write at step 6 would.",
    ),
    (
        never_recorded,
        {Gap.NEVER_RECORDED},
        "race: host write of rows[0:64) at step 4 is unordered with the read of rows[0:64) by "
        "gather on stream s1, enqueued at step 3. Event e had not been recorded at step 3, so "
        "waiting for it there orders nothing. Recording e on stream s1 after the gather would: "
        "waiting for it at step 3 then covers it.",
    ),
    (
        waits_for_old_mark,
        {Gap.EARLIER_MARK, Gap.NOT_AWAITED},
        "race: host write of rows[0:64) at step 8 is unordered with the read of rows[0:64) by "
        "gather on stream s1, enqueued at step 4. Event e was recorded at step 3, before the "
        "gather was enqueued at step 4, and again after it; waiting for it at step 7 is for the "
        "earlier recording, so it orders nothing here. Event e was recorded at step 5, after the "
        "gather, but nothing waits for it before the host write at step 8. Waiting for e, recorded "
        "at step 5, before the host write at step 8 would.",
    ),
    (
        synchronizes_other_stream,
        {Gap.OTHER_STREAM},
        "race: host write of rows[0:64) at step 4 is unordered with the read of rows[0:64) by "
        "gather on stream s1, enqueued at step 3. The synchronize at step 3 is about stream s2, "
        "and the gather is on stream s1, so it orders nothing here. A synchronize of stream s1 at "
        "step 3, where the gather is, would.",
    ),
    (
        waits_too_late,
        {Gap.AWAITED_LATE},
        "race: host write of rows[0:64) at step 5 is unordered with the read of rows[0:64) by "
        "gather on stream s1, enqueued at step 3. Event e was recorded at step 4, after the "
        "gather, but waiting for it at step 8 comes after the host write at step 5. Waiting for e, "
        "recorded at step 4, before the host write at step 5 would.",
    ),
    (
        waited_before,
        {Gap.WAITED_BEFORE},
        "race: host write of rows[0:64) at step 7 is unordered with the read of rows[0:64) by the "
        "2nd gather on stream s1, enqueued at step 6. The host waited for s1 at step 5, before the "
        "2nd gather was enqueued at step 6; nothing after that orders it. Recording an event after "
        "the 2nd gather and waiting for it before the host write at step 7 would.",
    ),
    (
        two_streams,
        set(),
        "race: the write of out[0:8) by clear on stream s2, enqueued at step 4, is unordered with "
        "the write of out[0:64) by gather on stream s1, enqueued at step 3. Nothing between them "
        "orders it. Recording an event after the gather and letting stream s2 wait for it before "
        "the clear is enqueued at step 4 would.",
    ),
    (
        third_stream_waits,
        {Gap.AWAITED_ELSEWHERE},
        "race: the write of out[0:64) by clear on stream s2, enqueued at step 6, is unordered with "
        "the write of out[0:64) by gather on stream s1, enqueued at step 3. Event e was recorded "
        "at step 4, after the gather, but it is stream s3 that waits for it at step 5, and that "
        "does not lead to the clear, enqueued at step 6. Letting stream s2 wait for e, recorded at "
        "step 4, before the clear is enqueued at step 6 would.",
    ),
    (
        early_and_unawaited,
        {Gap.EARLY_UNAWAITED},
        "race: host write of rows[0:64) at step 5 is unordered with the read of rows[0:64) by "
        "gather on stream s1, enqueued at step 4. Event e was recorded at step 3, before the "
        "gather was enqueued at step 4, and nothing waits for it. Recording e after the gather and "
        "waiting for it before the host write at step 5 would.",
    ),
    (
        freed,
        set(),
        "use after free: the free of rows[0:64) at step 4 is unordered with the read of rows[0:64) "
        "by gather on stream s1, enqueued at step 3. The free does not wait, so the memory may be "
        "given out again too early. Nothing between them orders it. Recording an event after the "
        "gather and waiting for it before the free of rows at step 4 would.",
    ),
    (
        two_tasks,
        set(),
        "race: host write of rows[0:64) at step 6 by task filler is unordered with the host read "
        "of rows[0:64) at step 4. Nothing between them orders it. No recording and wait of one "
        "task would: the calls are those of tasks 'host' and 'filler'. Hold one lock around both, "
        "or let one task make both.",
    ),
]


def test_each_gap_has_a_shape_that_is_told_by_it() -> None:
    assert set(Gap) == {gap for _, gaps, _ in SHAPES for gap in gaps}


def ran(program: Callable[[Device], None], schedule: Schedule | None = None) -> NotedRun[None]:
    result = noted_run(program, schedule or HostFirst())
    assert result.error is None
    assert result.findings
    return result


def first_report(program: Callable[[Device], None]) -> RaceReport:
    result = ran(program)
    return explained(result.findings[0], result.journal)


def plain(report: RaceReport) -> str:
    """The report in one line, without the program's lines."""
    said = "\n".join(line for line in report.text.split("\n") if not line.startswith("    "))
    return re.sub(r" \(\S+\.py:\d+\)", "", said).replace("\n", " ")


@pytest.mark.parametrize(
    ("program", "gaps", "said"), SHAPES, ids=lambda v: getattr(v, "__name__", "")
)
def test_each_shape_is_told_by_its_own_reason(
    program: Callable[[Device], None], gaps: set[Gap], said: str
) -> None:
    report = first_report(program)

    assert {hint.gap for hint in report.hints} == gaps
    assert plain(report) == said


@pytest.mark.parametrize("program", [early_and_done_with, early_elsewhere])
def test_a_recording_that_served_its_purpose_or_is_elsewhere_is_no_hint(
    program: Callable[[Device], None],
) -> None:
    assert "Nothing between them orders it." in first_report(program).text


def test_memory_that_changed_hands_is_waited_for_at_its_free() -> None:
    result = ran(pool_reuse)
    reports = [explained(finding, result.journal) for finding in result.findings]

    (reused,) = [r for r in reports if "changed hands" in r.text]

    assert "host write of next#1.2[0:64)" in reused.text
    assert "rows#1.1 was freed at step 4" in reused.text
    assert "before the free of rows at step 4 would" in reused.text
    assert reused.repair is not None
    assert rerun(pool_reuse, HostFirst(), reused.repair) == ()


def test_both_lines_of_the_program_are_named() -> None:
    first, second = first_report(unguarded).text.split("\n")[1:3]

    code = Rows.write.__code__
    assert first.split() == [
        "host",
        "write",
        f"unit/test_race_reports.py:{code.co_firstlineno + 1}",
        "in",
        "write",
    ]
    code = Rows.gather.__code__
    assert second.split() == [
        "gather",
        f"unit/test_race_reports.py:{code.co_firstlineno + 1}",
        "in",
        "gather",
    ]


REPAIRED = [program for program, _, _ in SHAPES if program is not two_tasks]


def alike(finding: Finding, others: Sequence[Finding]) -> bool:
    assert finding.second is not None
    lines = {finding.first.source, finding.second.source}
    return any(o.second is not None and {o.first.source, o.second.source} == lines for o in others)


@pytest.mark.parametrize("program", REPAIRED)
def test_each_repair_orders_the_two_in_the_journal_and_in_a_run(
    program: Callable[[Device], None],
) -> None:
    for schedule in (HostFirst(), Eager()):
        result = noted_run(program, schedule)
        for finding in result.findings:
            report = explained(finding, result.journal)
            assert report.pair is not None
            assert report.repair is not None
            assert orders(result.journal, report.pair, report.repair)
            assert not alike(finding, rerun(program, type(schedule)(), report.repair))


def test_a_repair_with_its_record_before_the_work_orders_nothing() -> None:
    """The planted wrong repair: both checks of a repair see it."""
    result = ran(unguarded)
    report = explained(result.findings[0], result.journal)
    assert report.pair is not None
    assert report.repair is not None
    before = result.journal.calls[result.journal.place(report.pair.first) - 1]
    wrong = replace(report.repair, record_after=before.id)

    assert not orders(result.journal, report.pair, wrong)
    assert alike(result.findings[0], rerun(unguarded, HostFirst(), wrong))


def test_the_task_that_was_spawned_is_joined_first() -> None:
    def joins_late(dev: Device) -> None:
        r = Rows(dev)
        other = dev.spawn("filler", lambda: r.write(2))
        dev.pause("let it run")
        dev.host_read(r.rows.view())
        other.join()

    result = noted_run(joins_late, Replay("host*5 filler*3 host*3"))
    report = explained(result.findings[0], result.journal)

    assert "Joining task filler before the host read at step" in report.text


def test_half_of_a_repair_orders_nothing() -> None:
    result = ran(two_streams)
    report = explained(result.findings[0], result.journal)
    assert report.pair is not None
    assert report.repair is not None

    for half in (replace(report.repair, before=0), replace(report.repair, record_after=0)):
        assert not orders(result.journal, report.pair, half)
        assert rerun(two_streams, HostFirst(), half)


def test_a_finding_about_one_access_is_told_as_it_is() -> None:
    def undeclared(dev: Device) -> None:
        r = Rows(dev)
        wrong = Kernel("wrong", (Mode.READ, Mode.READ), _copy)
        dev.launch(wrong, (r.out.view(), r.rows.view()), r.s1)

    report = first_report(undeclared)

    assert report.pair is None
    assert report.text == str(report.finding)
