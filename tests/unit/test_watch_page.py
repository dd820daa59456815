"""The page on watching is one program that runs, and prints what the page shows."""

from __future__ import annotations

import linecache
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "watch.md"


def test_the_page_runs_and_prints_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch", reason="watching runs torch programs: make device")
    text = PAGE.read_text(encoding="utf-8")
    source = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    shown = "".join(re.findall(r"```text\n(.*?)```", text, re.DOTALL))
    linecache.cache["watch_page.py"] = (len(source), None, source.splitlines(True), "watch_page.py")

    exec(compile(source, "watch_page.py", "exec"), {"__name__": "watch_page"})

    assert capsys.readouterr().out == shown
