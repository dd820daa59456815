"""The page on litmus programs shows the suite as it is."""

from __future__ import annotations

from pathlib import Path

from kvcheck.litmus.suite import SUITE
from kvcheck.litmus.table import table

PAGE = Path(__file__).parents[2] / "docs" / "litmus.md"


def test_the_page_ends_with_the_table_of_the_suite() -> None:
    assert PAGE.read_text(encoding="utf-8").endswith(table())
    assert table().count("\n| ") == len(SUITE) + table().count("| program |")
