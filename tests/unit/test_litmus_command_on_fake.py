"""`kvproof litmus --device cuda` runs the suite over the fake driver, and tells planted mistakes.

The order is the fake driver's; what hardware does is not seen here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("cuda.bindings", reason="NOT TESTED: no cuda-bindings: the command on CUDA")

from fake_process import ran

from kvcheck.cli.entry import run
from kvcheck.litmus import SUITE
from kvcheck.litmus.notation import outcomes
from kvcheck.litmus.on_cuda import as_on_cuda
from kvcheck.verdict import Exit

FILE = "litmus_command_on_fake.py"
NOTHING_LIVE = {"events": 0, "streams": 0, "memory": 0}


def rows(printed: str) -> dict[str, list[str]]:
    """Of each program the other columns: allowed, seen, race, verdict."""
    lines = [line for line in printed.splitlines() if line.partition(" ")[0] in SUITE]
    return {name: more for name, *more in (_columns(line) for line in lines)}


def _columns(line: str) -> list[str]:
    return [word.strip() for word in line.split("  ") if word.strip()]


def test_every_program_ends_in_what_is_allowed_and_all_is_given_back(library: Path) -> None:
    code, printed, live = ran(FILE, library, "suite")
    table = rows(printed)
    assert table.keys() == SUITE.keys()
    for name, (allowed, seen, race, verdict) in table.items():
        assert outcomes(allowed) == as_on_cuda(SUITE[name]).allowed, name
        assert outcomes(seen), name
        assert outcomes(seen) <= outcomes(allowed), name
        assert (race, verdict) == ("not seen here", "holds"), name
    assert f"{len(SUITE)} of {len(SUITE)} litmus programs hold on cuda" in printed
    assert code == Exit.OK
    assert live == NOTHING_LIVE


def test_a_device_that_is_not_closed_is_seen_by_what_stays(library: Path) -> None:
    live: dict[str, int] = ran(FILE, library, "unclosed")
    assert live != NOTHING_LIVE


def test_pageable_memory_that_is_read_late_is_no_violation(library: Path) -> None:
    code, printed = ran(FILE, library, "late")
    table = rows(printed)
    assert table.keys() == {name for name in SUITE if name.startswith("pageable_")}
    assert {tuple(seen.split()) for _, seen, _, _ in table.values()} == {("1", "2"), ("0", "1")}
    assert code == Exit.OK


def test_an_outcome_that_is_not_allowed_and_a_wrong_backend_exit_1(library: Path) -> None:
    too_little, right, never_waits = ran(FILE, library, "planted")
    verdicts = [
        {name: more[-1] for name, more in rows(printed).items()}
        for _, printed in (too_little, right, never_waits)
    ]
    assert verdicts[0] == {"fifo_same_stream": "holds", "two_streams_are_unordered": "violated"}
    assert verdicts[1] == {"fifo_same_stream": "holds", "wait_uses_the_latest_record": "holds"}
    assert verdicts[2] == {"fifo_same_stream": "holds", "wait_uses_the_latest_record": "violated"}
    assert [too_little[0], right[0], never_waits[0]] == [Exit.VIOLATION, Exit.OK, Exit.VIOLATION]


def test_each_absence_has_its_own_ending_and_says_once_what_to_do(library: Path) -> None:
    got = ran(FILE, library, "absent")
    (no_device, told), (no_compiler, told_too), (nothing, _), gated, gated_nothing = got
    assert [gated, gated_nothing[0]] == [[no_device, told], nothing]
    assert no_device == no_compiler == Exit.ENVIRONMENT_ABSENT
    assert told.startswith("kvproof: No litmus program was run. There is no CUDA device 0 (")
    assert told.count("--device sim") == 1
    assert told.endswith("Use --device sim, or a machine with a GPU.\n")
    assert told_too == (
        "kvproof: No litmus program was run. NVRTC cannot be loaded. It is not installed. "
        "Install it.\n"
    )
    assert nothing == Exit.NOTHING_RAN


def test_each_allowed_outcome_is_reached_by_gates_or_named_as_one_of_memory_that_is_kept(
    library: Path,
) -> None:
    slow, fast, late, live = ran(FILE, library, "gated")
    for code, printed in (slow, fast):
        assert code == Exit.OK
        table = rows(printed)
        late_ones = {name for name in SUITE if name.endswith("_late") and "pageable" in name}
        assert table.keys() == SUITE.keys() - late_ones
        for name, (allowed, seen, by_gates, kept, verdict) in table.items():
            wanted = SUITE[name].allowed
            assert verdict == "holds"
            assert outcomes(allowed) == wanted
            assert outcomes(seen) <= wanted
            missing = wanted - outcomes(by_gates)
            assert missing == (frozenset() if kept == "-" else outcomes(kept)), name
            assert not missing or name.startswith("torch_pool_"), name
        assert f"{len(table)} of {len(table)} litmus programs hold on cuda" in printed
        assert "left out: pageable_source_late, pageable_target_late. Whether" in printed
    assert rows(slow[1])["two_streams_are_unordered"][1:3] != ["1 2", "1 2"], "one order by itself"
    assert late[0] == Exit.NOTHING_RAN
    assert live == NOTHING_LIVE


def test_gates_that_hold_nothing_and_tests_that_allow_too_little_exit_1_and_faults_3(
    library: Path,
) -> None:
    right, ungated, stuck, too_little = ran(FILE, library, "planted_gated")
    assert [got[0] for got in (right, ungated, stuck, too_little)] == [
        Exit.OK,
        Exit.VIOLATION,
        Exit.TOOL_FAULT,
        Exit.VIOLATION,
    ]
    assert rows(ungated[1])["two_streams_are_unordered"][-1] == "violated"
    assert rows(ungated[1])["fifo_same_stream"][-1] == "holds"
    assert "The record has 'host: enqueue record e' where it does 'enqueue wait e'" in stuck[1]


def test_gates_are_refused_on_sim(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["litmus", "--gated"]) == Exit.USAGE
    assert "Add --device cuda, or leave --gated out." in capsys.readouterr().err
