"""What four tools say of each litmus program and staging design, and the tables of docs/compare.md.

It decides the cells, not the page's other words. Two columns are measured: torch's sanitizer, kept
in `docs/data/torch_sanitizer.json`, and the simulated device, run here. Two are read from
documents, and follow from a few rules below; where a document settles nothing, the cell says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TypedDict

from staged_designs import DESIGNS, REBOUND, is_reported, overlapping, staged

from kvcheck.litmus import SUITE, TABLES, Litmus, on_sim
from kvcheck.litmus.notation import program
from kvcheck.litmus.program import Pageable, Verb

STAGING = "staging "
MORE = "More of order"
QUERIED = "query_orders_two_streams"
VIEWS = "overlapping_views"
IS_ORDERED_BY_A_QUERY = program("D=0", "a: D=1; a: record e; q=query e; if q: b: D=2", ends="D")


class Said(Enum):
    """What a tool says of a program."""

    REPORTED = "reported"
    SILENT = "silent"
    INEXPRESSIBLE = "not expressible"
    UNSETTLED = "not stated"


class Tool(Enum):
    """A column."""

    TORCH = "torch's sanitizer"
    COMPUTE = "compute-sanitizer †"
    CUSAN = "CuSan †"
    SIM = "sim"


class Kept(TypedDict):
    """A row of the measured data of torch's sanitizer."""

    name: str
    racy: bool
    csan: str
    note: str


@dataclass(frozen=True, slots=True)
class Row:
    """A program, the truth about it, and what each tool says."""

    section: str
    name: str
    is_racy: bool
    said: Mapping[Tool, Said]


class Disagreement(ValueError):
    """The measured data and the suite do not speak of the same programs; three sentences."""


SAME_CALLS = "the same calls as its twin, which it is taken for"
POOLS = "torch's allocators are prebuilt and driven from Python"
EVENT_IS_STREAM = (
    "an event is kept as the stream it was recorded on: a wait covers what came after the record"
)
NO_RECORD = "a wait for an event that was never recorded is outside of what it accepts"
OUTSIDE = "host functions, batches, graphs and destroyed events are not among what it instruments"
BEHIND_LEGACY = "the order of other streams behind the default stream is not described"
THREADS = "several host threads that enqueue are not described"
OF_CUSAN: Mapping[str, tuple[Said, str]] = MappingProxyType(
    {
        "pageable_source_staged": (Said.INEXPRESSIBLE, SAME_CALLS),
        "pageable_target_staged": (Said.INEXPRESSIBLE, SAME_CALLS),
        "wait_before_any_record_is_nothing": (Said.INEXPRESSIBLE, NO_RECORD),
        "query_of_unrecorded_is_true": (Said.INEXPRESSIBLE, NO_RECORD),
        "event_before_reader_is_no_guard": (Said.SILENT, EVENT_IS_STREAM),
        "old_mark_stays_old_after_rerecording": (Said.SILENT, EVENT_IS_STREAM),
        "event_sync_covers_only_what_was_before": (Said.SILENT, EVENT_IS_STREAM),
        "two_slots_with_the_events_swapped": (Said.SILENT, EVENT_IS_STREAM),
    }
)
"""What the rules of `by_cusan` do not say."""

NOT_INSTRUMENTED = frozenset({Verb.CALL, Verb.BATCH, Verb.REPLAY, Verb.DESTROY})
OF_POOLS = frozenset({Verb.FREE, Verb.ALLOC, Verb.ALIAS, Verb.USES})


def rows(kept: Iterable[Kept]) -> tuple[Row, ...]:
    """All rows, in the order of the page. Raises: Disagreement."""
    by_torch = {row["name"]: row for row in kept}
    found = [
        Row(section, name, SUITE[name].is_racy, _of_litmus(SUITE[name], by_torch))
        for section, names in TABLES.items()
        for name in names
    ]
    found += _of_more(by_torch)
    found += [_of_staging(design, is_racy, by_torch) for design, is_racy in DESIGNS.items()]
    for row in found:
        if row.name in by_torch and by_torch[row.name]["racy"] is not row.is_racy:
            raise Disagreement(
                f"{row.name} is racy in one of the suite and the measured data, and not in the "
                "other. Most likely the suite has changed since the data were measured. Measure "
                "them again: make test-fake says how the rows differ."
            )
    strangers = by_torch.keys() - {row.name for row in found}
    if strangers:
        raise _disagreement(", ".join(sorted(strangers)))
    return tuple(found)


def by_compute_sanitizer(is_late: bool) -> tuple[Said, str]:
    """No program has what it looks for: shared memory, bounds, stream-ordered allocation."""
    return (Said.INEXPRESSIBLE, SAME_CALLS) if is_late else (Said.SILENT, "")


def by_cusan(name: str, test: Litmus) -> tuple[Said, str]:
    """What the CuSan project's documents and the source of its runtime let one expect, and why."""
    verbs = {step.verb for step in test.program.steps}
    if name in OF_CUSAN:
        return OF_CUSAN[name]
    if verbs & OF_POOLS:
        return Said.INEXPRESSIBLE, POOLS
    if verbs & NOT_INSTRUMENTED:
        return Said.UNSETTLED, OUTSIDE
    if len(test.program.threads) > 1:
        return Said.UNSETTLED, THREADS
    if test.program.blocking and not test.is_racy:
        return Said.UNSETTLED, BEHIND_LEGACY
    return (Said.REPORTED if test.is_racy else Said.SILENT), ""


def _of_litmus(test: Litmus, kept: Mapping[str, Kept]) -> Mapping[Tool, Said]:
    is_late = test.program.pageable is Pageable.LATE
    return _said(
        torch=_by_torch(test.name, kept),
        compute=by_compute_sanitizer(is_late)[0],
        cusan=by_cusan(test.name, test)[0],
        is_reported=bool(on_sim(test.program).is_racy),
    )


def _of_more(kept: Mapping[str, Kept]) -> list[Row]:
    """Two programs that the litmus notation has no answer or no words for."""
    queried = _said(
        torch=_by_torch(QUERIED, kept),
        compute=Said.SILENT,
        cusan=Said.SILENT,
        is_reported=bool(on_sim(IS_ORDERED_BY_A_QUERY).is_racy),
    )
    viewed = _said(
        torch=_by_torch(VIEWS, kept),
        compute=Said.SILENT,
        cusan=Said.REPORTED,
        is_reported=is_reported(overlapping),
    )
    return [Row(MORE, QUERIED, False, queried), Row(MORE, VIEWS, True, viewed)]


def _of_staging(design: str, is_racy: bool, kept: Mapping[str, Kept]) -> Row:
    name = f"{STAGING}{design}"
    is_persistent = "persistent" in design or design == REBOUND
    said = _said(
        torch=_by_torch(name, kept),
        compute=Said.SILENT,
        cusan=Said.REPORTED if is_persistent else Said.INEXPRESSIBLE,
        is_reported=is_reported(lambda dev: staged(dev, design)),
    )
    return Row("Staging", name, is_racy, said)


def _by_torch(name: str, kept: Mapping[str, Kept]) -> Said:
    if name not in kept:
        raise _disagreement(name)
    return Said(kept[name]["csan"])


def _disagreement(names: str) -> Disagreement:
    return Disagreement(
        f"{names}: in one of the page and the measured data, and not in the other. Most likely a "
        "program was added or renamed. Measure the data again: make test-fake says how the rows "
        "differ."
    )


def _said(*, torch: Said, compute: Said, cusan: Said, is_reported: bool) -> Mapping[Tool, Said]:
    sim = Said.REPORTED if is_reported else Said.SILENT
    return {Tool.TORCH: torch, Tool.COMPUTE: compute, Tool.CUSAN: cusan, Tool.SIM: sim}


WORDS: Mapping[tuple[bool, Said], str] = MappingProxyType(
    {
        (True, Said.REPORTED): "sees",
        (True, Said.SILENT): "**misses**",
        (False, Said.REPORTED): "**false alarm**",
        (False, Said.SILENT): "quiet",
    }
)
HEADINGS = {
    "sees": "sees",
    "**misses**": "misses",
    "**false alarm**": "false alarms",
    "quiet": "rightly quiet",
    "cannot express": "cannot express",
    "not stated": "not stated",
}


def cell(is_racy: bool, said: Said) -> str:
    """A tool's word on a program, against the truth."""
    if said is Said.INEXPRESSIBLE:
        return "cannot express"
    return WORDS.get((is_racy, said), said.value)


def summary(of: Iterable[Row]) -> str:
    """Markdown: a line a tool, and how many programs are in each case."""
    kept = tuple(of)
    lines = [_line("tool", *HEADINGS.values()), "|---" + "|--:" * len(HEADINGS) + "|"]
    for tool in Tool:
        words = [cell(row.is_racy, row.said[tool]) for row in kept]
        lines.append(_line(tool.value, *(str(words.count(word)) for word in HEADINGS)))
    return "\n".join(lines) + "\n"


def detail(of: Iterable[Row]) -> str:
    """Markdown: a table a section, a line a program."""
    sections: dict[str, list[Row]] = {}
    for row in of:
        sections.setdefault(row.section, []).append(row)
    return "\n".join(_section(heading, held) for heading, held in sections.items())


def reasons() -> str:
    """Markdown: why a cell of CuSan is not simply what is true of the program."""
    why: dict[tuple[str, Said], list[str]] = {}
    for name, test in SUITE.items():
        said, because = by_cusan(name, test)
        if because:
            why.setdefault((because, said), []).append(f"`{name}`")
    fresh = [
        f"`{STAGING}{design}`"
        for design in DESIGNS
        if "persistent" not in design and design != REBOUND
    ]
    why[POOLS, Said.INEXPRESSIBLE] += fresh
    lines = [_line("why", "cell", "programs"), "|---|---|---|"]
    for (because, said), names in why.items():
        lines.append(_line(because, cell(True, said).strip("*"), ", ".join(names)))
    return "\n".join(lines) + "\n"


def _section(heading: str, held: list[Row]) -> str:
    tools = [tool.value for tool in Tool]
    lines = [
        f"### {heading}",
        "",
        _line("program", "racy", *tools),
        "|---" * (2 + len(tools)) + "|",
    ]
    for row in held:
        cells = [cell(row.is_racy, row.said[tool]) for tool in Tool]
        lines.append(_line(row.name, "yes" if row.is_racy else "no", *cells))
    return "\n".join(lines) + "\n"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
