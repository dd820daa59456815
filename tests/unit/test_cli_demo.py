"""The demo catches what it plants, and says so if it does not."""

from __future__ import annotations

import msgspec
import pytest

from kvcheck.cli.entry import run
from kvcheck.fuzz import showcase
from kvcheck.fuzz.runner import run_case
from kvcheck.verdict import Exit


@pytest.fixture
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.usefixtures("_elsewhere")
def test_a_bug_that_is_not_caught_is_a_fault_of_the_tool(monkeypatch, capsys) -> None:
    mended = msgspec.structs.replace(showcase.WRONG_QUEUE, manager="blocks")
    monkeypatch.setattr(showcase, "WRONG_QUEUE", mended)

    assert run(("demo", "--quiet")) == Exit.TOOL_FAULT

    assert "A planted bug was not caught" in capsys.readouterr().out


@pytest.mark.usefixtures("_elsewhere")
def test_the_demo_shows_frontier_order_and_bytes(capsys) -> None:
    assert run(("demo", "--quiet")) == Exit.OK

    printed = capsys.readouterr().out
    assert "false: the block is queued at the level that was told" in printed
    assert "    allows offload_allocate(request0, stream1)" in printed
    assert "false: both copy streams wait for the compute so far" in printed
    assert "held bytes without a tag, expected request 0's block 0, generation 1" in printed
    assert printed.count("no failure.") == 2
    assert "10 of 10 actions of its design: no failures." in printed


def test_without_a_witness_the_search_ends_at_its_limit() -> None:
    right = msgspec.structs.replace(showcase.WRONG_BYTES, manager="blocks")

    count, ran = showcase.orders_until_witness(right, run_case, most=5)

    assert (count, ran.failure) == (5, None)
