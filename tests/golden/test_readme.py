"""The README shows what the commands print, and every link in the docs leads somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def test_the_readme_shows_the_run_that_explain_prints(tmp_path, monkeypatch, capsys):
    from kvcheck.cli.entry import run

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shown = re.search(r"```text\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert shown is not None

    run(("explain", "s1-1", "--quiet"))

    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    for line in shown[1].splitlines():
        assert line.rstrip() in printed, "README.md shows what is not printed any more"


def test_the_readme_shows_the_refusal_that_the_demo_prints():
    from kvcheck.fuzz.runner import run_case
    from kvcheck.fuzz.showcase import WRONG_QUEUE

    _, shown, *_ = re.findall(r"```text\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    failure = run_case(WRONG_QUEUE).failure
    assert failure is not None

    printed = failure.words.splitlines()
    for line in shown.splitlines():
        assert line in printed, "README.md shows what is not printed any more"


def test_every_command_in_the_readme_is_one(tmp_path, monkeypatch, capsys):
    from kvcheck.cli.entry import run
    from kvspec.bugs import BUGS
    from kvspec.models import DESIGNS

    text = README.read_text(encoding="utf-8")
    commands = re.findall(r"`kvproof ([^`]+)`", text)
    commands += [line.split("#")[0] for line in re.findall(r"^\$ kvproof (.*)$", text, re.M)]
    assert len(commands) > 8
    for command in commands:
        verb, *rest = shlex.split(command)
        assert run((verb, "--help")) == 0, command
        help_text = capsys.readouterr().out
        for number, word in enumerate(rest):
            if word.startswith("--"):
                assert word in help_text, command
            elif number == 0 and not word.startswith(".kvproof/"):
                assert word in {*DESIGNS, *BUGS, "staging.py:decode"}, command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_in_the_docs_leads_somewhere(page: Path) -> None:
    broken = [
        target
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []
