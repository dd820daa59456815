"""The page on kernels is one program: its description, its compilation and its run on the CPU."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kvimpl.device.kernels import KERNELS
from kvimpl.device.kernels.compile import CompilerAbsent
from kvimpl.device.kernels.twin import TwinAbsent

PAGE = Path(__file__).parents[2] / "docs" / "kernels.md"
TEXT = PAGE.read_text(encoding="utf-8")
DESCRIBE, COMPILE, RUN = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def _execute(folder: Path, monkeypatch: pytest.MonkeyPatch, *blocks: str) -> None:
    (kernel,) = re.findall(r"```cuda\n(.*?)```", TEXT, re.DOTALL)
    (folder / "add_words.cu").write_text(kernel, encoding="utf-8")
    monkeypatch.chdir(folder)
    exec(compile("\n".join(blocks), "kernels_page.py", "exec"), {"__name__": "kernels_page"})


def test_the_description_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _execute(tmp_path, monkeypatch, DESCRIBE)


def test_the_compilation_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        _execute(tmp_path, monkeypatch, DESCRIBE, COMPILE)
    except CompilerAbsent as absent:
        pytest.skip(f"NOT TESTED, the page's kernel was not compiled: {absent}")


def test_the_run_on_the_cpu_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        _execute(tmp_path, monkeypatch, DESCRIBE, RUN)
    except TwinAbsent as absent:
        pytest.skip(f"NOT TESTED, the page's kernel was not run: {absent}")


def test_the_page_names_every_kernel() -> None:
    assert re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)[: len(KERNELS)] == [
        source.entry for source in KERNELS
    ]
