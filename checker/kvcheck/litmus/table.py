"""The suite as the table of docs/litmus.md.

It decides the table's columns; the page's other words are written by hand.
"""

from __future__ import annotations

from kvcheck.litmus.notation import written_outcome
from kvcheck.litmus.suite import SUITE, TABLES


def table() -> str:
    """Markdown: a heading and a table for each kind of program."""
    return "\n".join(_section(heading, list(names)) for heading, names in TABLES.items())


def _section(heading: str, names: list[str]) -> str:
    rows = [f"### {heading}", "", "| program | start | calls | allowed | race |", "|" + "---|" * 5]
    for name in names:
        test = SUITE[name]
        allowed = " ".join(written_outcome(test.program, o) for o in sorted(test.allowed))
        text = test.text.replace("||", "\\|\\|")
        race = "yes" if test.is_racy else "no"
        rows.append(f"| {name} | {test.start} | `{text}` | {allowed} | {race} |")
    return "\n".join(rows) + "\n"
