"""A story as Markdown for a pull request or an issue.

It decides the layout; what is said is decided by `story`. Everything that comes from a record is
escaped, so that a name with a bar or a star neither breaks the table nor the page around it.
"""

from __future__ import annotations

import re

from kvcheck.report.story import Fact, Row, Story

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~$&])")


def render_markdown(story: Story) -> str:
    """The whole report, ending in a newline."""
    parts = [f"**{escape(story.sentence)}**", ""]
    parts += [escape(story.subject), ""] if story.subject else []
    parts += [f"<sub>{escape(story.about)}</sub>", ""]
    if story.start:
        parts += ["From this state:", "", *_facts(story.start), ""]
    if story.rows:
        parts += [*_steps(story.rows), ""]
    if story.why:
        parts += ["### Why", "", *_facts(story.why), ""]
    if story.rerun:
        parts += ["### See it again", "", "```sh", story.rerun.replace("```", "` ` `"), "```"]
    return "\n".join(parts).rstrip() + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it is."""
    return _SPECIAL.sub(r"\\\1", text)


def code(text: str, *, in_table: bool = False) -> str:
    """Text as code, in a fence of backticks longer than any inside."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    shown = text.replace("|", "\\|") if in_table else text
    return f"{fence}{pad}{shown}{pad}{fence}"


def _steps(rows: tuple[Row, ...]) -> list[str]:
    has_who = any(row.who for row in rows)
    header = ["step", *(["who"] if has_who else []), "action", "what changed", "note"]
    lines = [_line(header), _line(["---"] * len(header))]
    for row in rows:
        action = escape(row.action) if row.is_folded else code(row.action, in_table=True)
        changes = "<br>".join(code(change, in_table=True) for change in row.changes)
        note = f"**{escape(row.note)}**" if row.is_failing else escape(row.note)
        who = [escape(row.who)] if has_who else []
        lines.append(_line([row.number, *who, action, changes, note]))
    return lines


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _facts(facts: tuple[Fact, ...]) -> list[str]:
    lines = []
    for fact in facts:
        shown = [code(line) if fact.is_code else escape(line) for line in fact.lines]
        if len(shown) == 1:
            lines.append(f"- {fact.label}: {shown[0]}")
        else:
            lines += [f"- {fact.label}:", *(f"  - {line}" for line in shown)]
    return lines
