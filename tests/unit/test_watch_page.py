"""The page on watching is one program that runs, and prints what the page shows."""

from __future__ import annotations

import linecache
import re
import shlex
from pathlib import Path

import pytest
from command_lines import Kvproof

from kvcheck.verdict import Exit

PAGE = Path(__file__).parents[2] / "docs" / "watch.md"


def test_the_page_runs_and_prints_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch", reason="watching runs torch programs: make device")
    text = PAGE.read_text(encoding="utf-8")
    source = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    shown = "".join(re.findall(r"```text\n(.*?)```", text, re.DOTALL))
    linecache.cache["watch_page.py"] = (len(source), None, source.splitlines(True), "watch_page.py")

    exec(compile(source, "watch_page.py", "exec"), {"__name__": "watch_page"})

    assert capsys.readouterr().out == shown


def test_the_commands_of_the_page_print_what_it_shows(kvproof: Kvproof, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="watching runs torch programs: make device")
    text = PAGE.read_text(encoding="utf-8")
    program = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    (block,) = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    assert program is not None
    (tmp_path / "staging.py").write_text(program.group(1))
    given = re.findall(r"^\$ kvproof (.*)\n((?:[^$].*\n)*)", block, re.MULTILINE)
    assert len(given) == 2
    for words, shown in given:
        ran = kvproof(*shlex.split(words))
        assert (ran.code, ran.out) == (Exit.OK, shown)

    wrong = kvproof("watch", "staging.py:decode")
    assert wrong.code == Exit.VIOLATION
    assert f"{tmp_path.name}/staging.py:24 in upload" in wrong.out
    assert f"{tmp_path.name}/staging.py:28 in upload" in wrong.out
