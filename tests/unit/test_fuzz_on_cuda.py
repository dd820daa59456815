"""Campaigns on the CUDA device over the fake driver: what they find and what they leave.

What they cannot show is what hardware does; a machine with a GPU runs the same command.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("cuda.bindings", reason="NOT TESTED: no cuda-bindings: campaigns on CUDA")

from fake_process import ran

from kvcheck.verdict import Exit

PROGRAMS = "fuzz_on_fake.py"
NOTHING_LIVE = {"events": 0, "streams": 0, "memory": 0}


def test_the_right_manager_holds_observed_and_the_bound_names_what_is_not_checked(
    library: Path,
) -> None:
    got = ran(PROGRAMS, library, "right")
    name, outcome, evidence, bound = got["first"]
    assert got["found"] == []
    assert (name, outcome, evidence) == ("blocks/fuzz/no run fails", "holds", "observed")
    assert bound.startswith(f"48 runs, {got['steps']} judged steps, ")
    assert bound.endswith("; on cuda: order by races not checked")
    assert got["steps"] > 300
    assert got["readers"] > 0, "readers on threads of their own pinned"
    assert got["executed"] > 1000, "the driver's work, not the simulated device's"
    assert got["live"] == NOTHING_LIVE


def test_a_bug_is_found_by_its_steps(library: Path) -> None:
    got = ran(PROGRAMS, library, "wrong")
    ((kind, _),) = got["found"]
    assert kind == "refused"
    assert got["live"] == NOTHING_LIVE


def test_the_command_keeps_a_bug_whose_record_names_the_device(library: Path) -> None:
    got = ran(PROGRAMS, library, "found_by_command")
    assert got["code"] == Exit.VIOLATION
    assert "canary: violated, 1 class of failure, 5 runs, " in got["out"]
    assert "; on cuda: order by races not checked" in got["out"]
    assert " tasks, in the order of cuda)" in got["out"]
    (found,) = got["search"]["findings"]
    assert (found["kind"], found["detail"]) == ("refused", "shown allocate: free_count")
    assert got["devices"] == ["cuda"]
    assert got["names"][0].startswith("cuda-canary-refused-")
    assert got["live"] == NOTHING_LIVE

    assert got["again"] == [Exit.VIOLATION], "this failure is seen on sim too"
    assert "Recorded on cuda, run on sim under " in got["replayed"]
    assert got["on_right"] == [Exit.INCONCLUSIVE]
    assert "blocks: the record's failure was not seen here: Recorded on cuda" in got["replayed"]
    assert "is gone" not in got["replayed"]


def test_wrong_bytes_are_found_and_a_site_that_does_not_compare_finds_none(library: Path) -> None:
    got = ran(PROGRAMS, library, "content")
    assert (got["right"], got["wrong"], got["blind"]) == ([""], ["", "bytes"], [""])


def test_what_the_device_is_told_is_judged_there_under_every_order(library: Path) -> None:
    got = ran(PROGRAMS, library, "content")
    assert got["judged"] == ["refused"]


def test_a_run_that_fails_is_left_whole_and_the_next_one_is_well(library: Path) -> None:
    got = ran(PROGRAMS, library, "failing")
    assert any(fails for fails, *_ in got["left"]), "a reader that pins first may hide it"
    assert [rest for _, *rest in got["left"]] == [["cuda", "", 0]] * 10
    assert got["after"]
    assert got["lost"] == ""
    assert got["live"] == NOTHING_LIVE


def test_a_device_that_fails_ends_the_campaign_with_what_it_has(library: Path) -> None:
    got = ran(PROGRAMS, library, "lost")
    assert got["code"] == Exit.VIOLATION
    assert got["search"]["ending"] == "its device failed"
    assert got["search"]["runs"] < 200
    assert "note: The campaign ended with its device. The device has failed: " in got["out"]
    assert "CUDA_ERROR_ILLEGAL_ADDRESS" in got["out"]
    assert got["devices"] == ["cuda"]
    assert got["again"] == [Exit.INCONCLUSIVE], "sim does not fail so: that is no answer"
