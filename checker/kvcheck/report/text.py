"""A story, or any table, as plain text for a pipe: no colour, no box, columns that line up.

It decides the layout on one page of 100 columns; what is said is decided by `story`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from kvcheck.report.story import Fact, Row, Story

WIDTH = 100
_GAP = "  "


def render_text(story: Story) -> str:
    """The whole report, ending in a newline."""
    parts = [textwrap.fill(story.sentence, WIDTH)]
    parts += [textwrap.fill(story.subject, WIDTH)] if story.subject else []
    parts += [textwrap.fill(f"({story.about})", WIDTH), ""]
    if story.start:
        parts += ["From this state:", *_facts(story.start), ""]
    if story.rows:
        parts += [_steps(story.rows), ""]
    if story.why:
        parts += ["Why", *_facts(story.why), ""]
    if story.rerun:
        parts += [f"See it again: {story.rerun}"]
    return "\n".join(parts).rstrip() + "\n"


def columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows under a header, each column as wide as its widest cell; a cell may have lines."""
    split = [[cell.split("\n") for cell in row] for row in (tuple(header), *rows)]
    widths = [max(len(line) for row in split for line in row[k]) for k in range(len(header))]
    lines = []
    for number, row in enumerate(split):
        for k in range(max(len(cell) for cell in row)):
            cells = [cell[k] if k < len(cell) else "" for cell in row]
            padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
            lines.append(_GAP.join(padded).rstrip())
        if number == 0:
            lines.append(_GAP.join("-" * width for width in widths))
    return "\n".join(lines)


def _steps(rows: Sequence[Row]) -> str:
    has_who = any(row.who for row in rows)
    header = ["step", *(["who"] if has_who else []), "action", "what changed", "note"]
    changed = max(len(line) for row in rows for line in row.changes)
    action = max(len(row.action) for row in rows)
    room = max(24, WIDTH - min(action, 40) - changed - 16)
    cells = [
        [
            row.number,
            *([row.who] if has_who else []),
            "\n".join(textwrap.wrap(row.action, 40, subsequent_indent="  ")),
            "\n".join(row.changes),
            "\n".join(textwrap.wrap(row.note, room)),
        ]
        for row in rows
    ]
    return columns(header, cells)


def _facts(facts: Sequence[Fact]) -> list[str]:
    width = max(len(fact.label) for fact in facts)
    lines = []
    for fact in facts:
        label = fact.label
        for text in fact.lines:
            hang = " " * (width + 4)
            lines.append(
                textwrap.fill(
                    text,
                    WIDTH,
                    initial_indent=f"  {label.ljust(width)}  ",
                    subsequent_indent=hang,
                    break_long_words=False,
                    break_on_hyphens=False,
                )
            )
            label = ""
    return lines
