"""The reports of two runs of the hand-made pool, word for word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import handmade_pool as pool
import pytest
from rich.console import Console

from kvcheck.report.html import render_html
from kvcheck.report.markdown import render_markdown
from kvcheck.report.story import tell
from kvcheck.report.terminal import print_story
from kvcheck.report.text import render_text
from kvcheck.trace.file import encode_record
from kvcheck.trace.path import Start
from kvcheck.trace.record import RunRecord
from kvcheck.trace.retell import retell

Check = Callable[[str, str], None]
FINDINGS = {
    "assertion": pool.failing_offload(),
    "invariant": pool.broken_invariant(),
    "induction": replace(pool.broken_invariant(), start=Start.ANYWHERE),
}


@pytest.fixture(params=sorted(FINDINGS))
def run(request: pytest.FixtureRequest) -> tuple[str, RunRecord]:
    """One run by its name."""
    return request.param, retell(pool.model(), FINDINGS[request.param], pool.ORIGIN)


def test_plain_text(golden: Check, run: tuple[str, RunRecord]) -> None:
    golden(f"{run[0]}.txt", render_text(tell(run[1])))


def test_markdown(golden: Check, run: tuple[str, RunRecord]) -> None:
    golden(f"{run[0]}.md", render_markdown(tell(run[1])))


def test_page(golden: Check, run: tuple[str, RunRecord]) -> None:
    golden(f"{run[0]}.html", render_html(run[1]))


def test_record(golden: Check, run: tuple[str, RunRecord]) -> None:
    golden(f"{run[0]}.json", encode_record(run[1]).decode())


def test_terminal(golden: Check, run: tuple[str, RunRecord]) -> None:
    console = Console(width=110, force_terminal=False, color_system=None, record=True, quiet=True)
    print_story(console, tell(run[1]))
    lines = [line.rstrip() for line in console.export_text(styles=False).splitlines()]
    golden(f"{run[0]}.terminal.txt", "\n".join(lines) + "\n")
