"""A torch program is watched as it stands: races are found, right ones pass, gaps are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kvcheck.schedule import Budget, Eager
from kvcheck.verdict import Outcome
from kvcheck.watch import NotModelled, check, kernel, watch

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
)
RIGHT = (
    copied_and_waited_for,
    blocking_copy,
    other_half_overwritten,
    fresh_rows_for_a_copy,
    two_streams_in_order,
    lambda: dropped_while_used_elsewhere(notes=True),
    temporaries_of_one_stream,
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
        (lambda: pinned(1).tolist(), "Tensor.tolist"),
        (lambda: pinned(1).cuda(), "Tensor.cuda"),
        (lambda: on_device().cpu(), "Tensor.cpu"),
        (lambda: on_device().sum().item(), "_local_scalar_dense"),
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


def test_torch_is_as_before_after_the_block() -> None:
    before = torch.cuda.Stream, torch.cuda.is_available

    with watch():
        assert torch.cuda.is_available()

    assert (torch.cuda.Stream, torch.cuda.is_available) == before


def test_another_device_is_refused() -> None:
    with pytest.raises(ValueError, match="no device 'fake'"), watch(device="fake"):
        pass
