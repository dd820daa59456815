"""The pages on the contract run, print what they show, and keep to what they promise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", ["adopt", "contract"])
def test_the_page_runs_and_prints_what_it_shows(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    shown = "".join(re.findall(r"```text\n(.*?)```", text, re.DOTALL))

    exec(compile("\n".join(blocks), f"{name}_page.py", "exec"), {"__name__": f"{name}_page"})

    assert capsys.readouterr().out == shown


def test_putting_a_manager_under_the_contract_takes_less_than_eighty_lines() -> None:
    text = (DOCS / "adopt.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert sum(len(block.splitlines()) for block in blocks) < 80
