"""A story on a terminal, with rich: colour where it says something, and nowhere else.

It decides the look; what is said is decided by `story`. Text goes in as `Text`, never as markup,
so that a name with brackets is shown and not obeyed.
"""

from __future__ import annotations

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from kvcheck.report.story import Fact, Row, Story

NOTES_WIDTH_MIN = 100  # below that the notes would squeeze what changed
ACTION_WIDTH_MAX = 32
_RED, _DIM = "bold red", "dim"


def print_story(console: Console, story: Story) -> None:
    """Print the whole report."""
    console.print(Text(story.sentence, style="bold"))
    if story.subject:
        console.print(Text(story.subject))
    console.print(Text(story.about, style=_DIM))
    parts: list[RenderableType] = []
    if story.start:
        parts += [Text("From this state", style="bold"), _facts(story.start)]
    if story.rows:
        parts += [_steps(story.rows, has_notes=console.width >= NOTES_WIDTH_MIN)]
    if story.why:
        parts += [Text("Why", style="bold"), _facts(story.why)]
    if story.rerun:
        parts += [Text.assemble(("See it again: ", _DIM), story.rerun)]
    console.print(Group(*(Padding(part, (1, 0, 0, 0)) for part in parts)))


def _steps(rows: tuple[Row, ...], *, has_notes: bool) -> Table:
    has_who = any(row.who for row in rows)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("step", justify="right", style=_DIM)
    if has_who:
        table.add_column("who")
    longest = max(len(word) for row in rows for word in row.action.split())
    table.add_column("action", overflow="fold", min_width=min(longest, ACTION_WIDTH_MAX))
    table.add_column("what changed", overflow="fold")
    if has_notes:
        table.add_column("note", overflow="fold")
    for row in rows:
        cells = [
            Text(row.number),
            *([Text(row.who)] if has_who else []),
            Text(row.action, style=_action_style(row)),
            Text("\n".join(row.changes)),
            *([Text(row.note, style=_RED if row.is_failing else "")] if has_notes else []),
        ]
        table.add_row(*cells, style=_DIM if row.is_folded else None)
    return table


def _action_style(row: Row) -> str:
    if row.is_failing:
        return _RED
    return "" if row.is_folded else "bold"


def _facts(facts: tuple[Fact, ...]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style=_DIM, no_wrap=True)
    grid.add_column(overflow="fold")
    for fact in facts:
        lines = Text()
        for number, line in enumerate(fact.lines):
            failing = "FAILS" in line or fact.label in ("false part", "that is")
            lines.append(("\n" if number else "") + line, style=_RED if failing else "")
        grid.add_row(Text(fact.label), lines)
    return grid
