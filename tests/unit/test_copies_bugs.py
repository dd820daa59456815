"""Each known bug of the copy streams lets copies overtake that share bytes, in the cases told."""

from __future__ import annotations

from pathlib import Path

import pytest
from copies_bench import HAZARDS, in_each_order, in_order_sent

import kvimpl.bugs.copies
from kvimpl.bugs.copies import COPY_BUGS
from kvspec.bugs import BUGS

OVERTAKEN = {
    "kv-041": {
        "a read before it is overwritten",
        "a write before it is overwritten",
        "two reads before it is overwritten",
        "a read after a write after a read",
        "the slots of one number at two levels",
    },
    "kv-042": {"the slots of one number at two levels"},
}


@pytest.mark.parametrize("name", COPY_BUGS)
def test_copies_overtake_exactly_there(name: str) -> None:
    streams = COPY_BUGS[name].streams
    overtaken = {
        hazard
        for hazard, sends in HAZARDS.items()
        if in_each_order(sends, streams) != [in_order_sent(sends)] * 2
    }
    assert overtaken == OVERTAKEN[name]


def test_each_bug_file_is_registered_under_its_name() -> None:
    folder = Path(kvimpl.bugs.copies.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "bug"}
    assert {name.replace("_", "-") for name in files} == set(COPY_BUGS) == set(OVERTAKEN)


@pytest.mark.parametrize("bug", COPY_BUGS.values(), ids=lambda bug: bug.id)
def test_a_bug_says_where_it_happened_and_has_the_row_of_its_design(bug) -> None:
    assert bug.source
    assert bug.sentence.endswith(".")
    if bug.id in BUGS:
        assert BUGS[bug.id].row == bug.row
