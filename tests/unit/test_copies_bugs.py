"""Each known bug of the copy streams lets copies overtake that share bytes, in the cases told."""

from __future__ import annotations

from pathlib import Path

import pytest
from copies_bench import HAZARDS, in_each_order, in_order_sent

import kvimpl.bugs.copies
from kvcheck.cli.entry import run
from kvcheck.fuzz import copy_columns
from kvcheck.fuzz.copy_columns import RIGHT, Look, measure_copies
from kvcheck.verdict import Exit
from kvimpl.blocks.copies import CopyStreams
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


@pytest.mark.parametrize("look", Look, ids=lambda look: look.value)
def test_drawn_copies_show_the_bugs_to_who_looks_and_nothing_else(look: Look) -> None:
    assert measure_copies(RIGHT, look).by == ""
    seen = {name for name in COPY_BUGS if measure_copies(name, look).by}
    assert seen == ({"kv-041", "kv-042"} if look is Look.ORDER else {"kv-041"})


@pytest.fixture
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.usefixtures("_elsewhere")
def test_the_matrix_says_who_was_seen(capsys) -> None:
    assert run(("bugs", "--engine", "manager", "--select", "KV-041", "--quiet")) == Exit.OK
    printed = capsys.readouterr().out
    assert "KV-041  kv-041               killed, run 1  killed, run 6" in printed
    assert "1 bugs, 3 of 3 claims met" in printed


@pytest.mark.usefixtures("_elsewhere")
def test_a_look_that_sees_nothing_is_noticed(monkeypatch, capsys) -> None:
    monkeypatch.setattr(copy_columns, "streams_of", lambda name: CopyStreams)
    assert run(("bugs", "--engine", "manager", "--select", "KV-041", "--quiet")) == Exit.VIOLATION
    assert "kv-041/order/any/killed: order missed it" in capsys.readouterr().out


@pytest.mark.usefixtures("_elsewhere")
def test_a_false_alarm_is_noticed(monkeypatch, capsys) -> None:
    monkeypatch.setattr(copy_columns, "streams_of", lambda name: COPY_BUGS["kv-041"].streams)
    assert run(("bugs", "--engine", "manager", "--select", "KV-041", "--quiet")) == Exit.VIOLATION
    assert "FALSE ALARM" in capsys.readouterr().out


@pytest.mark.usefixtures("_elsewhere")
def test_a_matrix_that_is_interrupted_keeps_what_it_has_and_passes_nothing(
    monkeypatch, capsys
) -> None:
    own = copy_columns.drawn_sends

    def interrupted(seed: int):
        if seed:  # the first run of the first cell is made
            raise KeyboardInterrupt
        return own(seed)

    monkeypatch.setattr(copy_columns, "drawn_sends", interrupted)
    selected = ("bugs", "--engine", "manager", "--select", "KV-041", "--quiet")
    assert run(selected) == Exit.INTERRUPTED
    printed = capsys.readouterr().out
    assert "KV-041  kv-041               killed, run 1  not run" in printed
    assert "1 of 3 claims met" in printed


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
