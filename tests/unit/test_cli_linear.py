"""`kvproof linear`: its endings, and that a failure can be had again as it says."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from command_lines import Kvproof

from kvcheck.verdict import Exit
from kvimpl.bugs import BUGS


@pytest.fixture(autouse=True)
def shipped_bugs(kvproof: Kvproof, monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are about the shipped manager and its known bugs."""
    monkeypatch.setattr("kvimpl.bugs.BUGS", BUGS)


@pytest.mark.parametrize("where", ["threads", "sim"])
def test_the_right_manager_ends_well(kvproof: Kvproof, where: str, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    ran = kvproof("linear", "--runs", "3", "--on", where, "--json", str(path), "--quiet")
    assert ran.code == Exit.OK
    assert f"holds, 3 histories of 200 calls by 3 threads on {where}" in ran.out
    assert json.loads(path.read_bytes())["obligations"][0]["evidence"] == "observed"


def test_a_failure_says_how_to_have_it_again(kvproof: Kvproof) -> None:
    ran = kvproof("linear", "--manager", "kv-s07", "--on", "sim", "--quiet")
    assert ran.code == Exit.VIOLATION
    (line,) = [line for line in ran.out.splitlines() if line.startswith("again: kvproof ")]
    again = kvproof(*shlex.split(line.removeprefix("again: kvproof ")), "--quiet")
    assert again.code == Exit.VIOLATION
    story = [line for line in ran.out.splitlines() if line.startswith("  ")]
    assert story == [line for line in again.out.splitlines() if line.startswith("  ")]


def test_a_budget_that_is_spent_passes_nothing(kvproof: Kvproof) -> None:
    ran = kvproof("linear", "--runs", "100000", "--budget", "1s", "--quiet")
    assert ran.code == Exit.INCONCLUSIVE
    assert "100000 histories were asked for" in ran.out


def test_an_unknown_manager_meets_the_nearest(kvproof: Kvproof) -> None:
    ran = kvproof("linear", "--manager", "kv-s77")
    assert ran.code == Exit.USAGE
    assert "kv-s07" in ran.err
