"""The page on the bridge runs and prints what it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kvcheck.bridge.execute import Bridged, execute, known_bugs
from kvcheck.bridge.readings import READINGS

PAGE = Path(__file__).parents[2] / "docs" / "bridge.md"


def test_the_page_runs_and_prints_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    shown = "".join(re.findall(r"```text\n(.*?)```", text, re.DOTALL))

    exec(compile("\n".join(blocks), "bridge_page.py", "exec"), {"__name__": "bridge_page"})

    assert shown
    assert capsys.readouterr().out == shown


@pytest.mark.parametrize("outcome", [Bridged.REFUSED_THERE, Bridged.REFUSED_IN_CALL])
def test_the_page_names_the_bugs_of_each_outcome(outcome: Bridged) -> None:
    text = PAGE.read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith(f"| {outcome.value[8:]} |"))
    named = re.findall(r"`([^`]+)`", row)
    assert named == [bug for bug in known_bugs() if execute(bug).outcome is outcome]


def test_the_page_counts_the_bugs_and_names_the_designs() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert len(known_bugs()) == 20
    assert sum(execute(bug).outcome is not Bridged.CANNOT for bug in known_bugs()) == 17
    assert "Of the twenty bugs that are known on both sides seventeen are executed" in text
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == set(READINGS)
