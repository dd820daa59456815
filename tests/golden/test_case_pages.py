"""The console blocks of the case pages are what the commands print."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from kvspec.bugs import BUGS
from kvspec.models import DESIGNS, VARIANTS

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted((DOCS / "cases").glob("*.md"))
BLOCK = re.compile(r"```console\n\$ (kvproof [^\n]*)\n(.*?)```", re.DOTALL)
INLINE = re.compile(r"`kvproof (explain|explore|live|prove) ([a-z0-9-]+)")
BUG_NAME = re.compile(r"`((?:s1|s3|s5|inv)-[a-z0-9-]+)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_console_blocks_are_what_the_commands_print(page, request, tmp_path, monkeypatch, capsys):
    from kvcheck.cli.entry import run

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def printed(match: re.Match[str]) -> str:
        run((*shlex.split(match[1])[1:], "--quiet"))
        return f"```console\n$ {match[1]}\n{capsys.readouterr().out.strip()}\n```"

    text = page.read_text(encoding="utf-8")
    made = BLOCK.sub(printed, text)
    if request.config.getoption("--update-golden", default=False):
        page.write_text(made, encoding="utf-8")
        return
    assert BLOCK.search(text)
    assert text == made, "run pytest tests/golden/test_case_pages.py --update-golden"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_name_in_a_command_or_in_quotes_exists(page):
    text = page.read_text(encoding="utf-8")
    named = {name for _, name in INLINE.findall(text)} | set(BUG_NAME.findall(text))
    assert named
    assert named <= {*DESIGNS, *VARIANTS, *BUGS}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page_of_a_case_names_every_bug_of_its_rows(page):
    text, case = page.read_text(encoding="utf-8"), page.stem.upper()
    missing = [bug.id for bug in BUGS.values() if bug.row.startswith(case) and bug.id not in text]
    assert missing == []
