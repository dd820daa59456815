"""`kvproof litmus --device cuda` runs the suite over the fake driver, and tells planted mistakes.

The order is the fake driver's; what hardware does is not seen here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("cuda.bindings", reason="NOT TESTED: no cuda-bindings: the command on CUDA")

from fake_process import ran

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
    (no_device, told), (no_compiler, told_too), (nothing, _) = ran(FILE, library, "absent")
    assert no_device == no_compiler == Exit.ENVIRONMENT_ABSENT
    assert told.startswith("kvproof: No litmus program was run. There is no CUDA device 0 (")
    assert told.count("--device sim") == 1
    assert told.endswith("Use --device sim, or a machine with a GPU.\n")
    assert told_too == (
        "kvproof: No litmus program was run. NVRTC cannot be loaded. It is not installed. "
        "Install it.\n"
    )
    assert nothing == Exit.NOTHING_RAN
