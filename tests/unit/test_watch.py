"""A torch program is watched as it stands: races are found, right ones pass, gaps are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kvcheck.schedule import Budget, Eager
from kvcheck.verdict import Outcome
from kvcheck.watch import NotModelled, check, kernel, watch
from kvimpl.device.port import FindingKind

torch: Any = pytest.importorskip("torch", reason="watching runs torch programs: make device")


@kernel(reads=("rows",), writes=("out",))
def gather(out: Any, rows: Any) -> None:
    out.copy_(rows)


def pinned(value: int) -> Any:
    rows = torch.empty(4, dtype=torch.int32, pin_memory=True)
    rows.fill_(value)
    return rows


def on_device() -> Any:
    return torch.empty(4, dtype=torch.int32, device="cuda")


def copy_then_overwrite() -> None:
    rows, table = pinned(1), on_device()
    table.copy_(rows, non_blocking=True)
    rows.fill_(2)


def copied_and_waited_for() -> None:
    rows, table = pinned(1), on_device()
    table.copy_(rows, non_blocking=True)
    torch.cuda.current_stream().synchronize()
    rows.fill_(2)


def blocking_copy() -> None:
    rows, table = pinned(1), on_device()
    table.copy_(rows)
    rows.fill_(2)


def other_half_overwritten() -> None:
    rows, table = pinned(1), on_device()
    table[:2].copy_(rows[:2], non_blocking=True)
    rows[2:].fill_(2)


def fresh_rows_for_a_copy() -> None:
    table = on_device()
    for step in range(3):
        table.copy_(pinned(step), non_blocking=True)


def fresh_rows_for_a_kernel() -> None:
    table = on_device()
    for step in range(3):
        gather(table, pinned(step))


def read_back_too_early() -> None:
    rows, table = pinned(0), on_device()
    table.fill_(5)
    rows.copy_(table, non_blocking=True)
    torch.empty(4, dtype=torch.int32).copy_(rows)


def two_streams() -> None:
    table, side = on_device(), torch.cuda.Stream()
    table.fill_(1)
    with torch.cuda.stream(side):
        table.add_(1)


def two_streams_in_order() -> None:
    table, side = on_device(), torch.cuda.Stream()
    table.fill_(1)
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        table.add_(1)
    torch.cuda.current_stream().wait_stream(side)


def dropped_while_used_elsewhere(notes: bool = False) -> None:
    table, out, side = on_device(), on_device(), torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        out.copy_(table)
    if notes:
        table.record_stream(side)
    del table
    torch.cuda.synchronize()


def moved_then_overwritten() -> None:
    rows = pinned(1)
    table = rows.to("cuda", non_blocking=True)
    rows.fill_(2)
    del table


def cuda_then_overwritten() -> None:
    rows = pinned(1)
    table = rows.cuda(non_blocking=True)
    rows.fill_(2)
    del table


def pinned_in_passing_then_overwritten() -> None:
    rows = torch.tensor([1, 2, 3, 4], dtype=torch.int32).pin_memory()
    on_device().copy_(rows, non_blocking=True)
    rows.fill_(2)


def moved_back_and_read_too_early() -> None:
    table = on_device()
    table.fill_(5)
    table.to("cpu", non_blocking=True).tolist()


def waits_for_another_stream() -> None:
    rows, table, side = pinned(1), on_device(), torch.cuda.Stream()
    flag = torch.zeros(1, device="cuda")
    with torch.cuda.stream(side):
        table.copy_(rows, non_blocking=True)
    if flag.item() == 0:
        rows.fill_(2)
    torch.cuda.synchronize()


def moved_blocking() -> None:
    rows = pinned(1)
    table = rows.cuda()
    rows.fill_(2)
    assert table.tolist() == [1] * 4
    plain = torch.ones(4)
    moved = plain.to("cuda", non_blocking=True)
    plain.fill_(2)
    assert moved.cpu().tolist() == [1.0] * 4


def waits_by_item() -> None:
    rows, table = pinned(1), on_device()
    table.copy_(rows, non_blocking=True)
    if table[0].item() == 1:
        rows.fill_(2)


def waits_by_cpu() -> None:
    rows, table = pinned(1), on_device()
    table.copy_(rows, non_blocking=True)
    assert table.cpu().tolist() == [1] * 4
    rows.fill_(2)


def moved_back_and_waited_for() -> None:
    table = on_device()
    table.fill_(5)
    back = table.to("cpu", non_blocking=True)
    torch.cuda.current_stream().synchronize()
    assert back.is_pinned()
    assert back.tolist() == [5] * 4


def temporaries_of_one_stream() -> None:
    table = on_device()
    table.fill_(3)
    for _ in range(3):
        table = table * 2 + 1
    torch.cuda.synchronize()


RACY = (
    copy_then_overwrite,
    fresh_rows_for_a_kernel,
    read_back_too_early,
    two_streams,
    dropped_while_used_elsewhere,
    moved_then_overwritten,
    cuda_then_overwritten,
    pinned_in_passing_then_overwritten,
    moved_back_and_read_too_early,
    waits_for_another_stream,
)
RIGHT = (
    copied_and_waited_for,
    blocking_copy,
    other_half_overwritten,
    fresh_rows_for_a_copy,
    two_streams_in_order,
    lambda: dropped_while_used_elsewhere(notes=True),
    temporaries_of_one_stream,
    moved_blocking,
    waits_by_item,
    waits_by_cpu,
    moved_back_and_waited_for,
)


@pytest.mark.parametrize("program", RACY)
def test_one_run_finds_what_is_wrong(program: Callable[[], None]) -> None:
    for schedule in (None, Eager()):
        with watch(schedule) as seen:
            program()
        assert seen.verdict.outcome is Outcome.VIOLATED
        assert all("test_watch.py" in report.text for report in seen.reports)


@pytest.mark.parametrize("program", RIGHT)
def test_what_is_right_is_not_reported(program: Callable[[], None]) -> None:
    checked = check(program)

    assert [str(report) for report in checked.reports] == []
    assert checked.verdict.outcome is Outcome.HOLDS


def test_values_are_those_of_the_order_that_ran() -> None:
    out = torch.empty(4, dtype=torch.int32)
    with watch():
        rows, table = pinned(1), on_device()
        table.copy_(rows, non_blocking=True)
        rows.fill_(2)
        out.copy_(table * 3 + 1)
    assert out.tolist() == [7] * 4

    with watch(Eager()):
        rows, table = pinned(1), on_device()
        table.copy_(rows, non_blocking=True)
        rows.fill_(2)
        out.copy_(table * 3 + 1)
    assert out.tolist() == [4] * 4


def test_moves_end_where_torch_puts_them_and_with_its_values() -> None:
    with watch():
        rows = torch.arange(6, dtype=torch.int32).reshape(2, 3).pin_memory()
        table = rows.to("cuda", non_blocking=True)
        assert rows.pin_memory() is rows
        assert table.cuda() is table
        assert table.to("cuda") is table
        assert (rows.is_pinned(), table.is_cuda) == (True, True)
        assert table.to(torch.float32).sum().item() == 15.0
        assert table.long().dtype is torch.int64
        assert table.to(rows).tolist() == [[0, 1, 2], [3, 4, 5]]
        assert table[:, 1].cpu().tolist() == [1, 4]
        assert rows.to(torch.int64).tolist() == [[0, 1, 2], [3, 4, 5]]
        assert bool(table[1, 1] == 4)
        assert torch.ones(2).to(torch.int32).tolist() == [1, 1]
        with pytest.raises(RuntimeError, match="only dense CPU tensors can be pinned"):
            table.pin_memory()


def test_a_query_is_followed_into_every_order() -> None:
    def early() -> None:
        rows, table, done = pinned(1), on_device(), torch.cuda.Event()
        done.record()
        gather(table, rows)
        if done.query():
            rows.fill_(2)

    assert check(early, budget=Budget(runs=500)).verdict.outcome is Outcome.VIOLATED


def test_a_budget_that_ran_out_is_no_pass() -> None:
    def asks() -> None:
        rows, table, done = pinned(1), on_device(), torch.cuda.Event()
        gather(table, rows)
        done.record()
        if done.query():
            rows.fill_(2)
        torch.cuda.synchronize()

    assert check(asks, budget=Budget(runs=1)).verdict.outcome is Outcome.INCONCLUSIVE
    assert check(asks, budget=Budget(runs=500)).verdict.outcome is Outcome.HOLDS


def test_a_run_without_a_call_is_not_a_pass() -> None:
    with watch() as seen:
        torch.zeros(3) + 1

    assert seen.verdict.outcome is Outcome.NOT_RUN
    assert check(lambda: None, schedules=()).verdict.outcome is Outcome.NOT_RUN


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: pinned(1).numpy(), "Tensor.numpy"),
        (lambda: pinned(1).data_ptr(), "Tensor.data_ptr"),
        (lambda: pinned(1).to("cuda", torch.int64), "Tensor.to to another device and another type"),
        (lambda: pinned(1)[::2].cuda(), "copy_ between host and device"),
        (lambda: on_device().nonzero(), "nonzero"),
        (lambda: torch.cuda.CUDAGraph(), "torch.cuda.CUDAGraph"),
        (lambda: on_device().copy_(pinned(1).to(torch.int64)), "copy_"),
    ],
)
def test_what_is_not_modelled_is_refused_by_name(call: Callable[[], object], named: str) -> None:
    with pytest.raises(NotModelled, match=named), watch():
        call()


def test_an_undeclared_tensor_of_a_kernel_is_refused() -> None:
    @kernel(writes=("out",))
    def forgets(out: Any, rows: Any) -> None:
        out.copy_(rows)

    with pytest.raises(TypeError, match="given tensors as rows"), watch():
        forgets(on_device(), pinned(1))


def declared_wrongly(does: Callable[[Any, Any], None]) -> Callable[[], None]:
    """A program with a kernel that says it writes `out` and reads `rows`."""

    @kernel(reads=("rows",), writes=("out",))
    def wrong(out: Any, rows: Any) -> None:
        does(out, rows)

    def program() -> None:
        out = on_device()
        rows = pinned(1)
        wrong(out, rows)
        torch.cuda.synchronize()

    return program


@pytest.mark.parametrize(
    ("does", "says"),
    [
        (lambda out, rows: rows.copy_(out), "only reads rows#"),
        (lambda out, rows: out.add_(rows), "only writes "),
        (lambda out, rows: rows[out[0].item()].item(), "only writes "),
        (lambda out, rows: out.copy_(rows), ""),
        (lambda out, rows: out[:2].copy_(rows[:2]), ""),
        (lambda out, rows: out.random_(0, 1000), ""),
        (lambda out, rows: (rows.copy_(out), out.random_(0, 1000)), "only reads rows#"),
    ],
    ids=[
        "writes its input",
        "adds to its output",
        "takes it for a place",
        "right",
        "half",
        "random",
        "writes its input, random",
    ],
)
def test_a_kernel_that_touches_more_than_it_declares_is_told(
    does: Callable[[Any, Any], None], says: str
) -> None:
    with watch() as seen:
        declared_wrongly(does)()

    assert [report.finding.kind for report in seen.reports] == (
        [FindingKind.UNDECLARED] if says else []
    )
    assert all(says in report.text for report in seen.reports)


def test_an_event_that_was_never_recorded_orders_nothing_and_the_report_says_so() -> None:
    def waits_for_nothing() -> None:
        rows, table = pinned(1), on_device()
        done = torch.cuda.Event()
        table.copy_(rows, non_blocking=True)
        done.synchronize()
        rows.fill_(2)

    (report,) = check(waits_for_nothing).reports

    assert "Event done had not been recorded at step " in report.text


def test_a_stream_that_is_dropped_with_work_lets_it_complete_and_orders_nothing() -> None:
    def dropped() -> None:
        rows, table, side = pinned(1), on_device(), torch.cuda.Stream()
        with torch.cuda.stream(side):
            table.copy_(rows, non_blocking=True)
        del side
        torch.cuda.synchronize()
        assert table.tolist() == [1] * 4

    assert check(dropped).verdict.outcome is Outcome.HOLDS


def test_a_freed_buffer_that_is_used_is_refused_or_reported() -> None:
    with watch() as seen:
        rows, table = pinned(1), on_device()
        gather(table, rows)
        del rows
        torch.cuda.synchronize()

    assert [report.finding.kind for report in seen.reports] == [FindingKind.USE_AFTER_FREE]


def test_torch_is_as_before_after_the_block() -> None:
    before = torch.cuda.Stream, torch.cuda.is_available

    with watch():
        assert torch.cuda.is_available()

    assert (torch.cuda.Stream, torch.cuda.is_available) == before


def test_another_device_is_refused() -> None:
    with pytest.raises(ValueError, match="no device 'fake'"), watch(device="fake"):
        pass
    with pytest.raises(ValueError, match="no device 'fake'"):
        check(copied_and_waited_for, device="fake")


def test_what_the_program_raises_is_raised_unless_races_were_found_before() -> None:
    def fails() -> None:
        blocking_copy()
        raise KeyError("its own")

    def fails_after_a_race() -> None:
        rows, table = pinned(1), on_device()
        table.copy_(rows, non_blocking=True)
        rows.fill_(2)
        raise KeyError("its own")

    with pytest.raises(KeyError, match="its own"):
        check(fails)
    checked = check(fails_after_a_race)
    assert checked.verdict.outcome is Outcome.VIOLATED
    assert isinstance(checked.error, KeyError)
