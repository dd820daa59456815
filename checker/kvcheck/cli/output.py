"""What goes to stdout: results, in colour on a terminal and as plain columns in a pipe.

It decides nothing about results; the text is made in `report`. Rich is loaded only where a
terminal is there to show it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from kvcheck.report.story import printable
from kvcheck.trace.record import RunRecord


class Output:
    """Writes results; every text is stripped of control characters first."""

    def __init__(self, *, is_terminal: bool | None = None) -> None:
        self.is_terminal = sys.stdout.isatty() if is_terminal is None else is_terminal

    def line(self, text: str = "", *, style: str = "") -> None:
        """One line."""
        if self.is_terminal and style:
            from rich.console import Console
            from rich.text import Text

            Console().print(Text(printable(text), style=style))
        else:
            print(printable(text))

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Rows under a header."""
        clean = [[_keep_lines(cell) for cell in row] for row in rows]
        if not self.is_terminal:
            from kvcheck.report.text import columns

            print(columns(header, clean))
            return
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for name in header:
            table.add_column(name, overflow="fold")
        for row in clean:
            table.add_row(*(Text(cell, style=_style(cell)) for cell in row))
        Console().print(table)

    def story(self, record: RunRecord) -> None:
        """A whole run record."""
        from kvcheck.report.story import tell

        if not self.is_terminal:
            from kvcheck.report.text import render_text

            print(render_text(tell(record)), end="")
            return
        from rich.console import Console

        from kvcheck.report.terminal import print_story

        print_story(Console(), tell(record))


def _keep_lines(cell: str) -> str:
    return "\n".join(printable(line) for line in cell.split("\n"))


def _style(cell: str) -> str:
    words = (
        ("violated", "bold red"),
        ("missed", "bold red"),
        ("inconclusive", "yellow"),
        ("not run", "yellow"),
        ("no", "yellow"),
        ("holds", "green"),
        ("killed", "green"),
        ("yes", "green"),
    )
    return next((style for word, style in words if cell.startswith(word)), "")
