"""The page on litmus programs shows the suite as it is, and its commands do what it says.

The line for a GPU is run by `tests/unit/test_litmus_command_on_fake.py`.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from kvcheck.cli.entry import run
from kvcheck.litmus.suite import SUITE
from kvcheck.litmus.table import table
from kvcheck.verdict import Exit

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "litmus.md"


def commands(text: str) -> list[tuple[list[str], str]]:
    """Each command of the console blocks, and what the page shows below it."""
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    parts = [part for block in blocks for part in re.split(r"^\$ ", block, flags=re.M) if part]
    pairs = [part.partition("\n") for part in parts]
    return [(shlex.split(line, comments=True), shown) for line, _, shown in pairs]


def test_the_page_ends_with_the_table_of_the_suite() -> None:
    assert PAGE.read_text(encoding="utf-8").endswith(table())
    assert table().count("\n| ") == len(SUITE) + table().count("| program |")


def test_the_commands_of_the_page_run_and_print_what_it_shows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = commands(PAGE.read_text(encoding="utf-8"))
    on_sim = [(words, shown) for words, shown in given if "cuda" not in words]
    assert [len(given), len(on_sim)] == [4, 2]
    for (program, *words), shown in on_sim:
        assert program == "kvproof"
        assert run(words) == Exit.OK
        printed = capsys.readouterr().out
        if shown:
            assert [line.rstrip() for line in printed.splitlines()] == shown.splitlines()
        else:
            assert f"{len(SUITE)} of {len(SUITE)} litmus programs hold on sim" in printed
    assert any(shown for _, shown in on_sim), "some output is shown, and compared"


def test_other_pages_say_how_many_programs_there_are() -> None:
    page = (DOCS / "device.md").read_text(encoding="utf-8")
    assert f"The {len(SUITE)} [litmus programs](litmus.md) end in exactly" in page
