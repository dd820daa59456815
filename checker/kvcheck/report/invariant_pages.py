"""One page an invariant: what it says, in words and symbols, why, how firmly, and what breaks it.

It decides the text of `docs/invariants`, from the designs and the known bugs alone; it writes no
file. The idea: a page is generated from the spec it documents, so it cannot disagree with it.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
class Killer:
    """A bug that breaks an invariant, and whether it breaks no other of its design."""

    bug: Bug
    is_alone: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """An invariant as one design states it, and the bugs that break it: of that design, and of
    variants that state it in the same place."""

    design: str
    model: Model
    prop: Property
    killers: tuple[Killer, ...]


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
        invariants = model.of_kind(PropertyKind.INVARIANT)
        names = {prop.name for prop in invariants}
        mine = [
            Killer(b, len(names & set(b.breaks)) == 1) for b in bugs.values() if b.design == name
        ]
        for prop in invariants:
            killers = tuple(killer for killer in mine if prop.name in killer.bug.breaks)
            same = found.setdefault(prop.id, [])
            for number, other in enumerate(same):
                if other.prop.at == prop.at:
                    same[number] = replace(other, killers=other.killers + killers)
                    break
            else:
                same.append(Statement(name, model, prop, killers))
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
        killers = ", ".join(f"`{killer.bug.id}`" for s in statements for killer in s.killers)
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
    for killer in statement.killers:
        alone = ", which breaks no other invariant" if killer.is_alone else ""
        yield f"  - `{killer.bug.id}`{alone}: {killer.bug.sentence}"


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
