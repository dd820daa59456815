"""What a story keeps and folds, and that nothing in a record can break out of a report."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import handmade_pool as pool

from kvcheck.report.cells import describe_change, difference, elements, parse_cell
from kvcheck.report.frames import frames
from kvcheck.report.html import render_html
from kvcheck.report.markdown import code, escape, render_markdown
from kvcheck.report.story import ROWS_MAX, tell
from kvcheck.report.text import render_text
from kvcheck.trace.path import Finding, FindingKind, Move
from kvcheck.trace.record import RunRecord
from kvcheck.trace.retell import retell


def long_run(rounds: int) -> RunRecord:
    """Hand out and take back, many times, then the offload that fails."""
    moves = [m for _ in range(rounds) for m in (Move("allocate", ()), Move("release", (0,)))]
    moves = [
        move if move.action == "allocate" else Move("release", (number // 2 % 2,))
        for number, move in enumerate(moves)
    ]
    finding = Finding(FindingKind.ASSERTION, "offload", pool.path(*moves, Move("offload", ())))
    return retell(pool.model(), finding, pool.ORIGIN)


def test_a_long_run_is_told_in_nine_rows_and_no_step_is_lost() -> None:
    record = long_run(10)
    rows = tell(record).rows
    assert len(rows) <= ROWS_MAX
    told = []
    for row in rows:
        first, _, last = row.number.partition("–")
        told += range(int(first), int(last or first) + 1)
    assert told == list(range(1, len(record.steps) + 1))


def test_the_failing_step_always_has_a_row_of_its_own() -> None:
    last = tell(long_run(10)).rows[-1]
    assert last.is_failing
    assert last.action == "offload()"
    assert last.note.startswith("FAILS")


def test_a_run_of_nine_steps_is_not_folded() -> None:
    rows = tell(long_run(4)).rows
    assert len(rows) == 9
    assert not any(row.is_folded for row in rows)


def test_cells_are_taken_apart_as_they_were_put_together() -> None:
    assert parse_cell("holders[a][b]").keys == ("a", "b")
    assert elements("[(src=slot0 dst=slot1) (src=slot2 dst=slot3)]") == (
        "(src=slot0 dst=slot1)",
        "(src=slot2 dst=slot3)",
    )
    assert elements("{}") == ()
    assert difference("[a b a]", "[b a c]") == (("a",), ("c",))


def test_a_long_queue_is_told_by_what_went_and_what_came() -> None:
    before = "[" + " ".join(f"block{k}" for k in range(12)) + "]"
    after = "[" + " ".join(f"block{k}" for k in range(1, 13)) + "]"
    assert describe_change("free", before, after) == "free: −block0 +block12"


def test_an_element_has_the_hue_of_the_level_its_slot_is_in() -> None:
    record = retell(pool.model(), pool.failing_offload(), pool.ORIGIN)
    last = frames(record)[-1]
    primary = next(strip for strip in last.strips if strip.label == "free[PRIMARY]")
    hues = {place.text: place.hue for place in primary.places if place.text}
    assert hues["block0"] == primary.hue
    assert hues["block1"] != primary.hue  # it was moved and is still on the wrong queue


def test_a_popped_element_is_shown_once_more_as_gone() -> None:
    record = retell(pool.model(), pool.failing_offload(), pool.ORIGIN)
    strip = frames(record)[1].strips[0]
    assert [(p.text, p.state) for p in strip.places[:2]] == [
        ("block0", "gone"),
        ("block1", "kept"),
    ]


HOSTILE = "</script><script>alert(1)</script> | `x` <img src=x onerror=y> \x1b[2J [red]"


def hostile_record() -> RunRecord:
    """A record whose every word tries to get out."""
    record = retell(pool.model(), pool.failing_offload(), pool.ORIGIN)
    assert record.violation is not None
    steps = tuple(replace(s, sentence=HOSTILE, action=HOSTILE, who=HOSTILE) for s in record.steps)
    violation = replace(record.violation, message=HOSTILE, why=HOSTILE, failing=HOSTILE)
    return replace(
        record,
        sentence=HOSTILE,
        machine=HOSTILE,
        rerun=HOSTILE,
        steps=steps,
        violation=violation,
        initial=(*record.initial, (HOSTILE, HOSTILE)),
        final=(*record.final, (HOSTILE, HOSTILE)),
    )


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.addresses += [v or "" for k, v in attrs if k in ("src", "href")]


def test_no_text_of_a_record_becomes_a_tag_of_the_page() -> None:
    tags = _Tags()
    tags.feed(render_html(hostile_record()))
    assert tags.seen.count("script") == 1
    assert "img" not in tags.seen


def test_the_page_asks_the_network_for_nothing() -> None:
    page = render_html(retell(pool.model(), pool.failing_offload(), pool.ORIGIN))
    tags = _Tags()
    tags.feed(page)
    assert tags.addresses == []
    assert not re.search(r"https?://|@import|url\(", page)
    assert "default-src 'none'" in page


def test_plain_text_carries_no_control_characters() -> None:
    text = render_text(tell(hostile_record()))
    assert not [c for c in text if ord(c) < 32 and c != "\n"]


def test_markdown_keeps_its_columns_whatever_a_cell_says() -> None:
    lines = render_markdown(tell(hostile_record())).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {6}
    assert escape("a|b*") == r"a\|b\*"
    assert code("`x`") == "`` `x` ``"
