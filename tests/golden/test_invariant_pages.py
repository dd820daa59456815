"""The committed pages of `docs/invariants` are those that the designs give now."""

from __future__ import annotations

from pathlib import Path

import pytest

from kvcheck.report.invariant_pages import pages
from kvspec.bugs import BUGS
from kvspec.models import STATED

FOLDER = Path(__file__).parents[2] / "docs" / "invariants"


def test_the_committed_pages_are_up_to_date(request: pytest.FixtureRequest) -> None:
    made = pages(STATED, BUGS)
    if request.config.getoption("--update-golden", default=False):
        FOLDER.mkdir(exist_ok=True)
        for stale in set(FOLDER.glob("*.md")) - {FOLDER / name for name in made}:
            stale.unlink()
        for name, text in made.items():
            (FOLDER / name).write_text(text, encoding="utf-8")
    committed = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    assert committed == made, "run pytest tests/golden/test_invariant_pages.py --update-golden"


def test_a_page_holds_the_sentence_the_formula_the_reason_and_the_bugs() -> None:
    page = pages(STATED, BUGS)["KV-INV-12.md"]
    assert "Every block in a request's table is in device memory." in page
    assert "self.level_of(b) == Level.PRIMARY for b in Block" in page
    assert "Why: TensorRT-LLM setOffsets drops the level bit" in page
    assert "Held to: every size." in page
    assert "`inv-12-reused-in-host`, which breaks no other invariant" in page


def test_a_fact_that_a_variant_shares_is_one_statement_with_the_variant_s_bugs() -> None:
    page = pages(STATED, BUGS)["KV-INV-15.md"]
    assert page.count("A block that a reader has is in the slot that the reader was told.") == 1
    assert "`s3-5`" in page
    assert "`s3-4-in-hand`" in page


def test_no_page_names_a_place_outside_the_package() -> None:
    for name, text in pages(STATED, BUGS).items():
        assert str(Path.home()) not in text, name
        assert "Stated in `kvspec/" in text or name == "README.md"
