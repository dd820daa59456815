"""A run record as a story: one sentence, at most nine rows, why, and how to see it again.

It decides what is told and what is folded away; `text`, `terminal`, `markdown` and `html` decide
only how it looks. A step is relevant if it changes a cell that the violation reads, or that a
later relevant step changes; the last step always is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from kvcheck.report.cells import describe_change, grouped, parse_cell
from kvcheck.trace.record import RunKind, RunRecord, RunStep, SourceLine, Violation

ROWS_MAX = 9
_LABELS: Mapping[str, str] = MappingProxyType(
    {
        "invariant": "must hold",
        "assertion": "failed",
        "deadlock": "stuck",
        "goal": "reached",
    }
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; a folded row stands for several steps and names no one action."""

    number: str
    who: str
    action: str
    changes: tuple[str, ...]
    note: str
    is_folded: bool = False
    is_failing: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """A labelled line, or several."""

    label: str
    lines: tuple[str, ...]
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """Everything a report says, in its order."""

    sentence: str
    subject: str
    about: str
    start: tuple[Fact, ...]
    rows: tuple[Row, ...]
    why: tuple[Fact, ...]
    rerun: str


def tell(record: RunRecord) -> Story:
    """The story of a record."""
    return Story(
        sentence=printable(record.sentence),
        subject=printable(record.subject),
        about=printable(_about(record)),
        start=_start(record),
        rows=_rows(record),
        why=_why(record),
        rerun=printable(record.rerun),
    )


def printable(text: str) -> str:
    """The text with control characters spelled out, so that a record cannot steer a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def call(step: RunStep) -> str:
    """The step as a call: `release(b=block0)`."""
    return f"{step.action}({', '.join(f'{name}={value}' for name, value in step.arguments)})"


def _about(record: RunRecord) -> str:
    steps = f"{len(record.steps)} step{'s' * (len(record.steps) != 1)}"
    sizes = ", ".join(f"{name}={value}" for name, value in record.sizes)
    parts = [record.kind.value, steps, sizes, record.engine, f"kvproof {record.tool_version}"]
    return ", ".join(part for part in parts if part)


def _start(record: RunRecord) -> tuple[Fact, ...]:
    """The first state, where it is not an initial one and so cannot be guessed."""
    if record.kind is not RunKind.CTI:
        return ()
    return tuple(
        Fact(printable(variable), (printable(values),), is_code=True)
        for variable, values in grouped(record.initial)
    )


# ---- rows --------------------------------------------------------------------------------------


def _rows(record: RunRecord) -> tuple[Row, ...]:
    kept = _kept(record)
    rows: list[Row] = []
    waiting: list[RunStep] = []
    for step in record.steps:
        if step.number in kept:
            rows.extend(_fold(waiting))
            rows.append(_row(record, step))
            waiting = []
        else:
            waiting.append(step)
    rows.extend(_fold(waiting))
    return tuple(rows)


def _kept(record: RunRecord) -> set[int]:
    """The numbers of the steps with a row of their own."""
    relevant = _relevant(record)
    order = sorted(
        (step.number for step in record.steps),
        key=lambda number: (number not in relevant, -number),
    )
    for count in range(len(order), 0, -1):
        kept = set(order[:count])
        if count + _gap_count(kept, len(order)) <= ROWS_MAX:
            return kept
    return set()


def _gap_count(kept: set[int], last: int) -> int:
    folded = [number not in kept for number in range(1, last + 1)]
    return sum(here and not before for before, here in zip([False, *folded], folded, strict=False))


def _relevant(record: RunRecord) -> set[int]:
    values = record.violation.values if record.violation else ()
    needed = {cell for cell, _ in values}
    relevant = set()
    for step in reversed(record.steps):
        changed = {change.cell for change in step.changes}
        if step is record.steps[-1] or changed & needed:
            relevant.add(step.number)
            needed |= changed
    return relevant


def _fold(steps: list[RunStep]) -> tuple[Row, ...]:
    if not steps:
        return ()
    first, last = steps[0].number, steps[-1].number
    number = str(first) if first == last else f"{first}–{last}"
    names = sorted({step.action for step in steps})
    variables = sorted({parse_cell(c.cell).variable for step in steps for c in step.changes})
    changed = f"changes in {', '.join(variables)}" if variables else "nothing"
    return (
        Row(
            number=number,
            who="",
            action=printable(f"… {len(steps)} more: {', '.join(names)}"),
            changes=(printable(changed),),
            note="folded",
            is_folded=True,
        ),
    )


def _row(record: RunRecord, step: RunStep) -> Row:
    violation = record.violation
    is_last = step is record.steps[-1]
    fails_here = is_last and violation is not None and violation.kind == "assertion"
    changes = step.changes
    lines = [printable(describe_change(c.cell, c.before, c.after)) for c in changes]
    note = step.sentence
    if fails_here and violation is not None:
        note = f"FAILS: {violation.message}"
    elif is_last and violation is not None:
        note = f"{note} Then {_short(violation)}."
    return Row(
        number=str(step.number),
        who=printable(step.who),
        action=printable(call(step)),
        changes=tuple(lines) or ("nothing",),
        note=printable(note.strip()),
        is_failing=is_last and violation is not None,
    )


def _short(violation: Violation) -> str:
    if violation.kind == "deadlock":
        return "nothing is enabled"
    return f"{violation.id} {violation.property}".strip() + " is false"


# ---- why ---------------------------------------------------------------------------------------


def _why(record: RunRecord) -> tuple[Fact, ...]:
    violation = record.violation
    if violation is None:
        return ()
    name = f"{violation.id} {violation.property}".strip()
    source = violation.source
    facts = [
        Fact(_LABELS.get(violation.kind, violation.kind), (f"{name}: {violation.message}",)),
        Fact("formula", (_formula(violation),), is_code=True),
        Fact("false part", (_failing(violation),), is_code=True),
        Fact("that is", (_instance(violation),), is_code=True),
        _values(violation),
        Fact("because", (violation.why,)),
        Fact("source", (f"{source.file}:{source.line}  {source.text}".strip(),), is_code=True),
        Fact("line by line", _line_by_line(record, violation), is_code=True),
    ]
    return tuple(
        Fact(fact.label, tuple(printable(line) for line in fact.lines), fact.is_code)
        for fact in facts
        if any(fact.lines)
    )


def _formula(violation: Violation) -> str:
    """The whole formula, unless its false part is all of it."""
    return "" if violation.formula == violation.failing else violation.formula


def _failing(violation: Violation) -> str:
    if not violation.failing:
        return ""
    named = ", ".join(f"{name} = {value}" for name, value in violation.bindings)
    return f"{violation.failing}  for {named}" if named else violation.failing


def _instance(violation: Violation) -> str:
    """The false part with values for its names, where that is one comparison and says more."""
    text = violation.instance
    is_plain = not any(word in text for word in (" and ", " or ", " for "))
    return text if is_plain and text not in (violation.failing, "False") else ""


def _values(violation: Violation) -> Fact:
    lines = tuple(f"{cell} = {value}" for cell, value in violation.values)
    return Fact("guards" if violation.kind == "deadlock" else "values there", lines, is_code=True)


def _line_by_line(record: RunRecord, violation: Violation) -> tuple[str, ...]:
    """What the failing step wrote before its line failed: where the order of lines is the story."""
    if violation.kind != "assertion" or not record.steps:
        return ()
    lines = [
        f"{place(effect.source)}  {describe_change(effect.cell, effect.before, effect.after)}"
        for effect in record.steps[-1].effects
    ]
    return (*lines, f"{place(violation.source)}  FAILS: {violation.message}")


def place(source: SourceLine) -> str:
    """`tiers.py:175`."""
    return f"{source.file.rpartition('/')[2]}:{source.line}"
