"""The page on promises runs and prints what it shows."""

from __future__ import annotations

import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "liveness.md"


def test_the_page_runs_and_prints_what_it_shows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    shown = "".join(re.findall(r"```text\n(.*?)```", text, re.DOTALL))
    path = tmp_path / "liveness_page.py"  # a machine is read from its file
    path.write_text("\n".join(blocks), encoding="utf-8")

    spec = spec_from_file_location("liveness_page", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "liveness_page", module)
    spec.loader.exec_module(module)

    assert shown
    assert capsys.readouterr().out == shown
