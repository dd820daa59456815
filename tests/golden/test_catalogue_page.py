"""Each entry that the designs have words for is a bug here, or its row says why it is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from catalogue import ENTRIES, FIRST, WORDS, checks, command, counts, shortest, table

import kvimpl.bugs
import kvimpl.bugs.copies
import kvimpl.bugs.shared
import kvimpl.bugs.staging
from kvcheck.cli.bugs_command import choose_all
from kvspec.bugs import BUGS

PAGE = Path(__file__).parents[2] / "docs" / "catalogue.md"
BLOCK = re.compile(r"(<!-- (\w+) -->\n\n)(.*?)(\n<!-- end -->)", re.DOTALL)
CODE = {
    **{id: bug.row for id, bug in kvimpl.bugs.BUGS.items()},
    **{id: bug.row for id, bug in kvimpl.bugs.copies.COPY_BUGS.items()},
    **{id: bug.row for id, bug in kvimpl.bugs.staging.STAGING_BUGS.items()},
    **{id: bug.row for id, bug in kvimpl.bugs.shared.SHARED_BUGS.items()},
}
NUMBER = re.compile(r"KV-(S?\d\d\d?)$")
ELSEWHERE = {"KV-002"}
"""Entries that are bugs here and need more features than the page is about."""


def test_the_tables_are_what_the_registries_and_the_search_say(request) -> None:
    text = PAGE.read_text(encoding="utf-8")
    first = tuple(entry for entry in ENTRIES if not entry.more)
    second = tuple(entry for entry in ENTRIES if entry.more)
    made = {"counts": counts(), "first": table(first), "second": table(second)}
    assert {match[2] for match in BLOCK.finditer(text)} == made.keys()
    current = BLOCK.sub(lambda match: match[1] + made[match[2]] + match[4], text)
    if request.config.getoption("--update-golden", default=False):
        PAGE.write_text(current, encoding="utf-8")
        return
    assert text == current, "run pytest tests/golden/test_catalogue_page.py --update-golden"


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_an_entry_is_a_bug_here_or_its_row_says_why_not(entry) -> None:
    assert bool(entry.designs) is not bool(entry.no_design)
    assert bool(entry.code) is not bool(entry.no_code)
    assert set(entry.designs) <= set(BUGS)
    assert set(entry.code) <= set(CODE)
    assert all(list(checks(name)) for name in entry.code)
    assert entry.sentence.endswith(".")


@pytest.mark.parametrize("entry", [e for e in ENTRIES if command(e)], ids=lambda entry: entry.id)
def test_the_command_of_an_entry_measures_its_bugs_and_no_other(entry) -> None:
    patterns = command(entry).removeprefix("kvproof bugs --select ").split(" --select ")
    designs, *others = choose_all(patterns)
    code = {name for chosen in others for name in chosen} & set(CODE)
    assert {bug.id for bug in designs} >= set(entry.designs)
    assert code >= set(entry.code)
    assert {bug.id for bug in designs} | code == {*entry.designs, *entry.code}


def test_an_entry_needs_the_first_features_or_one_more() -> None:
    assert len({entry.id for entry in ENTRIES}) == len(ENTRIES)
    assert sum(entry.features <= FIRST for entry in ENTRIES) == 6
    assert all(len(entry.more) <= 1 for entry in ENTRIES)
    assert {tag for entry in ENTRIES for tag in entry.more} == set(WORDS)


def test_every_bug_with_a_number_of_the_catalogue_is_in_it() -> None:
    named = {(e.id, name) for e in ENTRIES for name in (*e.designs, *e.code)}
    numbered = {(b.row, b.id) for b in BUGS.values() if NUMBER.match(b.row)}
    numbered |= {(row, id) for id, row in CODE.items() if NUMBER.match(row)}
    assert {pair for pair in numbered if pair[0] not in ELSEWHERE} <= named


def test_a_bug_that_is_no_longer_found_has_no_shortest_run(monkeypatch) -> None:
    right = BUGS["s1-1"]
    mended = type(right)(
        **{name: getattr(right, name) for name in ("id", "row", "design", "source", "sentence")},
        machine=right.machine.__mro__[1],
        breaks=right.breaks,
        sizes=right.sizes,
    )
    monkeypatch.setattr("catalogue.BUGS", {**BUGS, "s1-1": mended})
    with pytest.raises(ValueError, match="empty"):
        shortest("s1-1")
