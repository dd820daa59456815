"""The CUDA device over the driver's interface, on a driver that needs no GPU.

Every litmus test ends in what is allowed and in all of it; the block manager runs under two judges
and under real threads; wrong backends are told apart. What it cannot show is what hardware does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("cuda.bindings", reason="no cuda-bindings: the driver's interface is not run")

from fake_process import ran

from kvcheck.litmus import SUITE
from kvimpl.device.fake import CompilerMissing, build

NOTHING_LIVE = {"events": 0, "streams": 0, "memory": 0}
# The port lets freed memory be given out while kernels read it. This device keeps it until they are
# done, so of these only the outcome without reuse is reached.
KEPT = {
    "torch_pool_ignores_kernels",
    "torch_pool_covers_no_other_stream",
    "torch_pool_loses_an_alias_with_an_offset",
}


def test_litmus_tests_end_in_all_that_is_allowed_and_nothing_else(library: Path) -> None:
    got = ran("cuda_on_fake.py", library, "litmus")
    assert got["seen"].keys() == SUITE.keys()
    for name, test in SUITE.items():
        found = set(map(tuple, got["seen"][name]))
        if len(test.program.threads) > 1:  # which thread goes first is the machine's choice
            assert found, name
            assert found <= test.allowed, name
        elif name in KEPT:
            assert found == {(1,)} < test.allowed, name
        else:
            assert found == test.allowed, name
    assert got["live"] == NOTHING_LIVE


def test_wrong_backends_are_told_by_named_litmus_tests(library: Path) -> None:
    got: dict[str, list[str]] = ran("cuda_on_fake.py", library, "planted")
    assert got.pop("right") == []
    telling = {
        "NeverWaits": "wait_uses_the_latest_record",
        "NeverAwaits": "device_sync_is_global",
        "AlwaysDone": "query_true_guards_overwrite",
        "NeverBlocks": "legacy_fences_blocking_streams",
        "OnTheLegacyStream": "kernel_then_copy_back_same_stream",
    }
    assert telling.keys() == got.keys()
    for wrong, name in telling.items():
        assert name in got[wrong], wrong


def test_the_manager_keeps_to_its_design_and_its_bytes_and_gives_all_back(library: Path) -> None:
    got = ran("cuda_on_fake.py", library, "campaign")
    assert got["hits"] > 100
    assert got["executed"] > 1000
    assert got["live"] == NOTHING_LIVE
    found = {"inv-28-compute-too-early", "inv-28-copies-too-early"}
    assert found < got["found"].keys()
    for bug, orders in got["found"].items():
        assert bool(orders) == (bug in found), "wrong bytes are seen, where no reader is needed"


def test_a_reader_on_a_real_thread_finds_its_bytes(library: Path) -> None:
    assert ran("cuda_on_fake.py", library, "meeting") == {"reads": 40, "live": NOTHING_LIVE}


def test_payload_kernels_under_lockstep_are_right_and_a_known_bug_is_refused(
    library: Path,
) -> None:
    got = ran("cuda_on_fake.py", library, "lockstep")
    right, wrong = got["right"], got["wrong"]
    assert (right["outcome"], right["wrong"], right["error"]) == ("holds", [], "")
    assert right["steps"] >= 400
    assert right["reads"] > 50
    assert wrong["outcome"] == "violated"


def test_a_mark_stays_what_it_was_when_its_event_is_recorded_again(library: Path) -> None:
    got = ran("cuda_on_fake.py", library, "marks")
    assert got["ours"] == [True, False], "the earlier is done, the later is not"
    assert got["planted"] == [False, False], "with one CUDA event both mean the later"
    assert got["events"] < 10, "500 recordings whose marks nobody holds"


def test_freed_memory_is_kept_while_a_kernel_uses_it(library: Path) -> None:
    got = ran("cuda_on_fake.py", library, "lives")
    assert got["ours"] == [1, [7], 0]
    assert got["planted"] == [0, "DeviceFailed"]


REFUSED = {
    "memory": ["OutOfMemory", "OutOfMemory", ""],
    "size": ["Refused", "Refused"],
    "launch": ["LaunchFailed", ""],
    "width": ["LaunchFailed"],
    "lengths": ["Refused"],
    "host of device": ["Refused"],
    "stream twice": ["Refused", "Refused"],
    "foreign buffer": ["ForeignHandle"],
    "foreign stream": ["ForeignHandle"],
    "foreign mark": ["ForeignHandle"],
    "refused": ["Refused", ""],
    "stale": ["StaleHandle", "StaleHandle"],
    "lock twice": ["Refused"],
    "task": ["KeyError", ""],
}


def test_each_error_of_cuda_is_the_port_s_and_leaves_no_effect(library: Path) -> None:
    got: dict[str, list[str]] = ran("cuda_errors_on_fake.py", library, "errors")
    assert {name: [said.partition(":")[0] for said in tries] for name, tries in got.items()} == (
        REFUSED
    )
    for said in (said for name, tries in got.items() if name != "task" for said in tries if said):
        assert said.count(". ") >= 2, said


def test_a_device_that_failed_stays_so(library: Path) -> None:
    failed = ["DeviceFailed", "DeviceFailed"]
    assert ran("cuda_errors_on_fake.py", library, "failing") == {
        "host function": failed,
        "execution": failed,
    }


def test_a_stream_that_never_progresses_ends_a_wait_and_stops_no_other(library: Path) -> None:
    got: dict[str, Any] = ran("cuda_errors_on_fake.py", library, "stuck")
    assert got["says"].startswith("DeviceStuck: After 50 s")
    assert (got["other"], got["later"]) == (2, 1)


def test_the_fake_driver_refuses_what_a_real_one_refuses(library: Path) -> None:
    assert ran("cuda_errors_on_fake.py", library, "refusals") == {
        "thread without a context": "CUDA_ERROR_INVALID_CONTEXT",
        "destroyed stream": "CUDA_ERROR_INVALID_HANDLE",
        "destroyed event": "CUDA_ERROR_INVALID_HANDLE",
        "beyond the end": "CUDA_ERROR_INVALID_VALUE",
        "freed twice": "CUDA_ERROR_INVALID_VALUE",
        "not a module": "CUDA_ERROR_INVALID_IMAGE",
        "no such kernel": "CUDA_ERROR_NOT_FOUND",
        "too many threads": "CUDA_ERROR_INVALID_VALUE",
        "a call from a host function": "CUDA_ERROR_NOT_PERMITTED",
        "graphs": "FunctionNotFoundError: function cuGraphCreate is not found",
    }


def test_a_stream_destroyed_with_work_completes_it_and_is_no_handle_any_more(
    library: Path,
) -> None:
    is_pending, *ended = ran("cuda_errors_on_fake.py", library, "destroyed")
    assert is_pending
    assert ended == ["CUDA_SUCCESS", "CUDA_ERROR_INVALID_HANDLE", [7] * 4]


def test_a_forbidden_call_makes_a_capture_invalid_and_an_unsupported_one_is_refused(
    library: Path,
) -> None:
    got = ran("cuda_errors_on_fake.py", library, "captured")
    unsupported, invalidated = "STREAM_CAPTURE_UNSUPPORTED", "STREAM_CAPTURE_INVALIDATED"
    assert {
        name: [word.removeprefix("CUDA_") for word in words] for name, words in got.items()
    } == {
        "nothing": ["SUCCESS", "SUCCESS"],
        "synchronize": [f"ERROR_{unsupported}", f"ERROR_{invalidated}"],
        "query": [f"ERROR_{unsupported}", f"ERROR_{invalidated}"],
        "allocate": [f"ERROR_{unsupported}", f"ERROR_{invalidated}"],
        "wait for a value": ["ERROR_NOT_SUPPORTED", "SUCCESS"],
        "legacy": [f"ERROR_{unsupported}"],
        "no capture": ["ERROR_STREAM_CAPTURE_UNMATCHED"],
    }


def test_a_machine_without_a_compiler_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(CompilerMissing, match="Install one, or pass compiler="):
        build(tmp_path, compiler="no-such-compiler")
    with pytest.raises(CompilerMissing, match="refused"):
        build(tmp_path, compiler="false")
    assert not list(tmp_path.rglob("*.so.1"))
