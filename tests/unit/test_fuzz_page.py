"""The page on fuzzing is one program, and prints what the page says that it prints."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "fuzz.md"
PAIR = re.compile(r"```python\n(.*?)```\n+```text\n(.*?)```", re.DOTALL)


def check(page: str) -> None:
    """Run the snippets in order; each prints the text that follows it."""
    pairs = PAIR.findall(page)
    assert len(pairs) == page.count("```python") == 4
    names: dict[str, object] = {}
    for code, shown in pairs:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(code, str(PAGE), "exec"), names)
        assert out.getvalue() == shown


def test_the_page_runs_and_prints_what_it_shows() -> None:
    check(PAGE.read_text(encoding="utf-8"))


def test_a_page_that_shows_something_else_is_told() -> None:
    page = PAGE.read_text(encoding="utf-8").replace("fails as recorded", "holds")
    with pytest.raises(AssertionError):
        check(page)
