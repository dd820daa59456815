"""The page on the shared manager prints what it shows, and the case's table is what bugs claim."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kvimpl.bugs.shared import SHARED_BUGS

DOCS = Path(__file__).parents[2] / "docs"
LINE = re.compile(r"\.py:\d+")


def blind(text: str) -> str:
    "Without the numbers of source lines."
    return LINE.sub(".py:N", text)


def test_the_page_runs_and_prints_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    text = (DOCS / "threads.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    shown = "".join(re.findall(r"```text\n(.*?)```", text, re.DOTALL))

    exec(compile("\n".join(blocks), "threads_page.py", "exec"), {"__name__": "threads_page"})

    assert shown
    assert blind(capsys.readouterr().out) == blind(shown)


def test_the_table_of_the_case_is_what_each_bug_says() -> None:
    text = (DOCS / "cases" / "s3.md").read_text(encoding="utf-8")

    for id, bug in SHARED_BUGS.items():
        shows = ", ".join(sorted(one.value for one in bug.shows))
        assert f"| {bug.row} | `{id}` | {shows} |\n" in text
