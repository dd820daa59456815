"""`kvproof explain`: a run retold, in the terminal, as Markdown or as a page.

It decides where the run comes from: a record file, or the shortest counterexample of a machine or
known bug, searched for now.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kvcheck.cli.quantities import SIZE
from kvcheck.cli.result_file import RESULT_FILE
from kvcheck.cli.settings import Settings, shared_options
from kvcheck.verdict import Exit

if TYPE_CHECKING:
    from kvcheck.trace.record import RunRecord


@click.command("explain")
@click.argument("run")
@click.option("--size", "sizes", type=SIZE, multiple=True, help="A size, as P=2; repeatable.")
@click.option("--markdown", type=RESULT_FILE, help="Write Markdown to this file.")
@click.option("--html", type=RESULT_FILE, help="Write a self-contained page.")
@shared_options
def command(
    settings: Settings,
    *,
    run: str,
    sizes: tuple[tuple[str, int], ...],
    markdown: Path | None,
    html: Path | None,
) -> Exit:
    """Retell RUN: a run record (RUN.json), or a machine or bug by name.

    A name is searched for its shortest counterexample. The exit code says that it was told, not
    that the design is right.
    """
    from kvcheck.cli.output import Output
    from kvcheck.trace.atomic import write_atomically

    record = read_or_find(settings, run, sizes)
    out = Output()
    if record is None:
        out.line(f"{run}: there is nothing to explain: no violation was found.")
        return Exit.NOTHING_RAN
    out.story(record)
    if markdown:
        from kvcheck.report.markdown import render_markdown
        from kvcheck.report.story import tell

        write_atomically(markdown, render_markdown(tell(record)).encode())
        out.line(f"Markdown: {markdown}")
    if html:
        from kvcheck.report.html import render_html

        write_atomically(html, render_html(record).encode())
        out.line(f"Page: {html}")
    return Exit.OK


def read_or_find(
    settings: Settings, run: str, sizes: tuple[tuple[str, int], ...]
) -> RunRecord | None:
    """The record in a file, or the first that a search of the named machine gives."""
    from kvcheck.cli.choose import known_names
    from kvcheck.trace.file import read_record

    path = Path(run)
    looks_like_file = path.suffix == ".json" or path.exists() or "/" in run
    if looks_like_file and run not in known_names():
        return read_record(path)
    from kvcheck.cli.choose import choose
    from kvcheck.cli.progress import Ticker
    from kvcheck.cli.searching import now, search
    from kvcheck.explore.options import Options

    target = choose(run, sizes)
    options = Options(seconds_max=settings.budget_seconds, threads=settings.jobs)
    records = search(target, options, Ticker(settings.voice, clock=now)).records
    return records[0] if records else None
