"""The device page is one program that runs, and its finding is printed as the page shows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "device.md"


def test_the_page_runs_and_prints_the_finding_that_it_shows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (shown,) = re.findall(r"```text\n(.*?)```", text, re.DOTALL)

    code = compile("\n".join(blocks), "device_page.py", "exec")
    exec(code, {"__name__": "device_page"})

    assert capsys.readouterr().out == shown
