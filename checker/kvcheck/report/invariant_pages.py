"""One page an invariant: what it says, in words and symbols, why, how firmly, and what breaks it.

It decides the text of `docs/invariants`, from the designs and the known bugs alone; it writes no
file. The idea: a page is generated from the spec it documents, so it cannot disagree with it.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kvcheck.trace.source import source_line
from kvspec.bugs import Bug
from kvspec.lang import Machine
from kvspec.lang.ir import Model, Position, Property, PropertyKind

INDEX = "README.md"
NOTE = (
    "Generated from `kvspec.models` and `kvspec.bugs`; to change it, change those and run\n"
    "`pytest tests/golden/test_invariant_pages.py --update-golden`."
)


@dataclass(frozen=True, slots=True)
class Statement:
    """An invariant as one design states it, and the bugs of that design that break it."""

    design: str
    model: Model
    prop: Property
    killers: tuple[Bug, ...]


def pages(machines: Mapping[str, type[Machine]], bugs: Mapping[str, Bug]) -> dict[str, str]:
    """Every page by its file name, the index first."""
    stated = _statements(machines, bugs)
    texts = {INDEX: _index(stated)}
    for number, statements in stated.items():
        texts[f"{number}.md"] = _page(number, statements)
    return texts


def _statements(
    machines: Mapping[str, type[Machine]], bugs: Mapping[str, Bug]
) -> dict[str, list[Statement]]:
    found: dict[str, list[Statement]] = {}
    for name, machine in machines.items():
        model = machine.instance()
        for prop in model.of_kind(PropertyKind.INVARIANT):
            killers = tuple(
                bug for bug in bugs.values() if bug.design == name and prop.name in bug.breaks
            )
            found.setdefault(prop.id, []).append(Statement(name, model, prop, killers))
    return dict(sorted(found.items()))


def _index(stated: Mapping[str, Sequence[Statement]]) -> str:
    lines = [
        "# Invariants",
        "",
        NOTE,
        "",
        "| id | says | designs | broken by |",
        "|---|---|---|---|",
    ]
    for number, statements in stated.items():
        designs = ", ".join(s.design for s in statements)
        killers = ", ".join(f"`{bug.id}`" for s in statements for bug in s.killers)
        says = statements[0].prop.sentence
        lines.append(f"| [{number}]({number}.md) | {says} | {designs} | {killers} |")
    return "\n".join(lines) + "\n"


def _page(number: str, statements: Sequence[Statement]) -> str:
    lines = [f"# {number}", "", statements[0].prop.sentence, "", NOTE]
    for statement in statements:
        lines += _section(statement)
    return "\n".join(lines) + "\n"


def _section(statement: Statement) -> Iterable[str]:
    prop = statement.prop
    place = source_line(prop.at)
    yield from ("", f"## In `{statement.design}`: {prop.name}", "", prop.sentence, "")
    yield from ("```python", formula_text(prop.at), "```", "")
    yield f"- Why: {prop.why}."
    yield f"- Held to: {prop.strength.value}."
    yield f"- Stated in `{place.file}`, design `{statement.model.name}`."
    if not statement.killers:
        yield "- Broken by: no known bug."
        return
    yield "- Broken by:"
    for bug in statement.killers:
        alone = ", which breaks no other invariant" if _is_alone(bug, statement.model) else ""
        yield f"  - `{bug.id}`{alone}: {bug.sentence}"


def _is_alone(bug: Bug, model: Model) -> bool:
    names = {p.name for p in model.of_kind(PropertyKind.INVARIANT)}
    return len(names & set(bug.breaks)) == 1


def formula_text(at: Position) -> str:
    """What the property's method returns, as its author wrote it."""
    text = Path(at.file).read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.lineno == at.line:
            returned = [n for n in node.body if isinstance(n, ast.Return)]
            value = returned[0].value if returned else None
            source = ast.get_source_segment(text, value, padded=True) if value else None
            return _unindented(source or "")
    raise ValueError(f"no method starts at {at.file}:{at.line}")


def _unindented(source: str) -> str:
    first, *rest = source.split("\n")
    body = textwrap.dedent("\n".join(rest))
    return "\n".join([first.strip(), *body.split("\n")]) if rest else first.strip()
