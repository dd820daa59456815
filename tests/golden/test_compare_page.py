"""The tables of the page that compares tools are those that the data and the device give now."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from peers import (
    OF_CUSAN,
    Disagreement,
    Kept,
    Row,
    Said,
    Tool,
    cell,
    detail,
    reasons,
    rows,
    summary,
)

from kvcheck.litmus import SUITE

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "compare.md"
BLOCK = re.compile(r"(<!-- (\w+) -->\n\n)(.*?)(\n<!-- end -->)", re.DOTALL)
UPDATE = "run pytest tests/golden/test_compare_page.py --update-golden"


def kept() -> list[Kept]:
    held: list[Kept] = json.loads((DOCS / "data" / "torch_sanitizer.json").read_text())["rows"]
    return held


@pytest.fixture(scope="module")
def made() -> tuple[Row, ...]:
    return rows(kept())


def with_tables(text: str, of: tuple[Row, ...]) -> str:
    tables = {"summary": summary(of), "reasons": reasons(), "detail": detail(of)}
    assert {match[2] for match in BLOCK.finditer(text)} == tables.keys()
    return BLOCK.sub(lambda match: match[1] + tables[match[2]] + match[4], text)


def test_the_tables_are_what_the_tools_say(
    made: tuple[Row, ...], request: pytest.FixtureRequest
) -> None:
    text = PAGE.read_text(encoding="utf-8")
    current = with_tables(text, made)
    if request.config.getoption("--update-golden", default=False):
        PAGE.write_text(current, encoding="utf-8")
        return
    assert text == current, UPDATE


@pytest.mark.parametrize("tool", list(Tool))
def test_a_wrong_cell_on_the_page_is_told(made: tuple[Row, ...], tool: Tool) -> None:
    row = next(row for row in made if row.name == "two_streams_are_unordered")
    wrong = Said.SILENT if row.said[tool] is Said.REPORTED else Said.REPORTED
    planted = replace(row, said={**row.said, tool: wrong})
    page = with_tables(PAGE.read_text(encoding="utf-8"), made)

    lying = tuple(planted if each is row else each for each in made)

    assert summary(lying) not in page
    assert detail(lying) not in page


def test_every_program_of_the_suite_and_every_measured_row_is_on_the_page(
    made: tuple[Row, ...],
) -> None:
    names = [row.name for row in made]

    assert len(names) == len(set(names))
    assert SUITE.keys() <= set(names)
    assert {row["name"] for row in kept()} == set(names)
    assert summary(made).count("\n") == len(Tool) + 2


def test_measured_data_of_another_suite_are_refused() -> None:
    flipped: list[Kept] = [{**row, "racy": not row["racy"]} for row in kept()]
    renamed: list[Kept] = [{**row, "name": row["name"] + " of old"} for row in kept()]

    for wrong in (flipped, renamed, kept()[1:]):
        with pytest.raises(Disagreement, match="make test-fake"):
            rows(wrong)


def test_the_simulated_device_agrees_with_the_suite_on_every_row(made: tuple[Row, ...]) -> None:
    words = {cell(row.is_racy, row.said[Tool.SIM]) for row in made}

    assert words == {"sees", "quiet"}


def test_an_exception_of_a_document_names_a_program(made: tuple[Row, ...]) -> None:
    assert OF_CUSAN.keys() <= SUITE.keys()
    assert all(why for _, why in OF_CUSAN.values())
