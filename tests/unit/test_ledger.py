"""The assurance ledger keeps the last word on each obligation and loses no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from kvcheck.ledger import LedgerError, enter, read_ledger
from kvcheck.verdict import Evidence, ObligationResult, Outcome, Verdict

TOOLS = {"kvproof": "0.1.0", "z3": "4.13"}


def proved(name: str, evidence: Evidence) -> ObligationResult:
    """An obligation that holds by this evidence."""
    return ObligationResult(name, Verdict(Outcome.HOLDS, evidence, "every size"), 1.23456)


def test_entries_of_other_obligations_stay(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    enter(path, [proved("b/x", Evidence.PROVED)], TOOLS)
    enter(path, [proved("a/x", Evidence.EXHAUSTED)], TOOLS)
    entries = read_ledger(path).entries
    assert list(entries) == ["a/x", "b/x"]
    assert entries["b/x"].evidence is Evidence.PROVED
    assert entries["b/x"].tools == TOOLS


def test_a_weaker_result_replaces_a_stronger_one(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    enter(path, [proved("a/x", Evidence.PROVED)], TOOLS)
    enter(path, [proved("a/x", Evidence.BOUNDED)], TOOLS)
    assert read_ledger(path).entries["a/x"].evidence is Evidence.BOUNDED


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": "kvproof.ledger/9", "entries": {}}'])
def test_a_file_that_is_no_ledger_is_never_overwritten(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ledger.json"
    path.write_text(text)
    with pytest.raises(LedgerError, match="Move it away"):
        enter(path, [proved("a/x", Evidence.PROVED)], TOOLS)
    assert path.read_text() == text
