"""The staging page is one program that runs and prints what it shows, and its table is measured."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kvcheck.fuzz.staging import RIGHT, drawn, every_order
from kvcheck.fuzz.staging_columns import Order, bug_rows, measure_order
from kvcheck.schedule import Budget, Reach

TEXT = (Path(__file__).parents[2] / "docs" / "staging.md").read_text(encoding="utf-8")


def test_the_page_runs_and_prints_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    (shown,) = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)

    exec(compile(program, "staging_page.py", "exec"), {"__name__": "staging_page"})

    assert capsys.readouterr().out == shown


@pytest.mark.parametrize(
    ("order", "row"),
    [
        (Order.LATE, "the device always late (HostFirst)"),
        (Order.PROMPT, "the device always prompt (Eager), as a synchronous mock is"),
        (Order.EVERY, "all orders"),
    ],
)
def test_the_page_names_what_each_order_misses(order: Order, row: str) -> None:
    missed = [name for name in bug_rows() if not measure_order(name, order).by]
    assert f"| {row} | {', '.join(missed) or 'none'} |\n" in TEXT


def test_the_page_counts_the_bugs() -> None:
    assert len(bug_rows()) == 9
    assert "Nine wrong stagings are told" in TEXT


def test_the_page_counts_the_orders_of_the_right_stagings() -> None:
    for kind in RIGHT.values():
        runs = []
        for iterations in (3, 6):
            explored = every_order(kind, drawn(1, iterations), Budget(runs=1_000))
            assert explored.reach is Reach.EXHAUSTED
            assert set(explored.outcomes) == {frozenset()}
            runs.append(explored.runs)
        assert f"({runs[0]} runs at three, {runs[1]} at six" in TEXT
