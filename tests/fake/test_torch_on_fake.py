"""Our CUDA backend on real torch, and what of torch it counts on, over schedules of ours.

torch is unmodified and built for CUDA; the driver below it is ours and shares its author with the
simulated device. What hardware does is not shown.
"""

from __future__ import annotations

from typing import Any

import pytest
from tier_process import ran

from kvcheck.litmus import SUITE
from kvimpl.device.fake import Tier

FILE = "torch_on_fake.py"
# The CUDA device keeps freed memory until kernels are done with it, so reuse is not reached there.
KEPT = {
    "torch_pool_ignores_kernels",
    "torch_pool_covers_no_other_stream",
    "torch_pool_loses_an_alias_with_an_offset",
}


def test_litmus_programs_end_in_all_that_is_allowed_and_nothing_else(tier: Tier) -> None:
    got = ran(FILE, tier, "litmus")
    assert got["right"].keys() == SUITE.keys()
    for name, test in SUITE.items():
        wanted = sorted(repr(tuple(map(int, outcome))) for outcome in test.allowed)
        found = got["right"][name]
        if test.program.blocking:
            assert found == ["Refused"], name
        elif name in KEPT:
            assert found == ["(1,)"], name
        elif len(test.program.threads) > 1:  # which thread goes first is the machine's choice
            assert found, name
            assert set(found) <= set(wanted), name
        else:
            assert found == wanted, name
    assert got["planted"] == ["(0,)", "(1,)"], "a stream that never waits is told"


def test_each_allowed_outcome_is_reached_through_gates_on_torch_s_streams(tier: Tier) -> None:
    got: dict[str, dict[str, list[str]]] = ran(FILE, tier, "gated")
    assert len(got) == sum(not test.program.blocking for test in SUITE.values())
    for name, reached in got.items():
        wanted = {repr(tuple(map(int, outcome))) for outcome in SUITE[name].allowed}
        assert reached.keys() == wanted
        for outcome, found in reached.items():
            assert found == ["(1,)" if name in KEPT else outcome] * 2, name


def test_staging_is_wrong_where_it_is_racy_and_right_elsewhere(tier: Tier) -> None:
    got: dict[str, list[int]] = ran(FILE, tier, "staging")
    racy = {design: wrong for design, wrong in got.items() if wrong != [0, 0]}
    assert racy.keys() == {"v1 persistent", "v2 persistent", "v2 naive fresh"}
    assert all(slow == 50 and middling > 25 for slow, middling in racy.values()), racy
    assert len(got) == 6


def test_each_wrong_guard_and_each_input_without_one_gives_wrong_rows_in_some_order(
    tier: Tier,
) -> None:
    got: dict[str, int] = ran(FILE, tier, "guards")
    assert len(got) == 5
    assert all(got.values()), got


def test_traps_tell_the_host_s_early_writes_and_no_others(tier: Tier) -> None:
    got: dict[str, list[Any]] = ran(FILE, tier, "trapped")
    counts = {design: found[0] for design, found in got.items()}
    assert [design for design, count in counts.items() if count] == [
        "v1 persistent",
        "v2 persistent",
        "v2 naive fresh",
    ]
    says = got["v2 persistent"][1]
    assert says.startswith("the host writes byte 0 of pinned memory of 1024 bytes while ")
    assert "'gather_rows' on stream" in says
    assert says.endswith("is pending, which reads bytes 0 to 1024 of it")


def test_other_bytes_of_a_closed_page_are_counted_and_not_told(tier: Tier) -> None:
    other_bytes, early_read, early_write = ran(FILE, tier, "near")
    assert other_bytes == [0, 1]
    assert early_read == [0, 0], "two readers are in no conflict"
    assert early_write == [1, 0]


@pytest.fixture(scope="module")
def facts(tier: Tier) -> dict[str, Any]:
    return ran(FILE, tier, "facts")


def test_the_pinned_allocator_protects_what_it_knows_a_copy_of(facts: dict[str, Any]) -> None:
    reuse = facts["reuse"]
    assert reuse["whole"] == reuse["slice"] == reuse["alias"] == [[0, 1, 2], 3]


def test_an_alias_with_an_offset_loses_protection(facts: dict[str, Any]) -> None:
    assert facts["reuse"]["alias with an offset"] == [[2, 2, 2], 1]


def test_a_strided_copy_reads_its_source_at_once(facts: dict[str, Any]) -> None:
    assert facts["reuse"]["strided"] == [[0, 1, 2], 1]


def test_a_copy_covers_a_later_kernel_on_its_stream_and_on_no_other(facts: dict[str, Any]) -> None:
    assert facts["kernel behind a copy"] == [1, 2]


def test_device_memory_of_another_stream_is_reused_unless_recorded(facts: dict[str, Any]) -> None:
    assert facts["device"] == [[True, 2], [False, 1]]


def test_events_are_lazy_and_side_streams_are_32_and_non_blocking(facts: dict[str, Any]) -> None:
    assert (facts["unrecorded"], facts["streams"], facts["flags"]) == (True, 32, 1)


def test_what_is_not_implemented_is_refused_by_name(tier: Tier) -> None:
    got = ran(FILE, tier, "refusals")
    assert got["kernel"].startswith(
        "CUDA error: the fake driver does not support torch's kernel "
        "void at::native::vectorized_elementwise_kernel<"
    )
    assert got["kernel"].endswith("(CUDA_ERROR_NOT_SUPPORTED)")
    assert got["library"] == "CUDA error: <unknown> when calling `cublasCreate(handle)`"


def test_a_forbidden_call_makes_a_capture_invalid(tier: Tier) -> None:
    got = ran(FILE, tier, "refusals")["capture"]
    unsupported, invalidated = 900, 901
    for call in ("synchronise", "query", "allocate"):
        assert got[call] == [unsupported, invalidated], call
    assert got["copy"] == [0, 0]


def test_a_stream_destroyed_with_work_completes_it_and_is_no_handle_any_more(tier: Tier) -> None:
    invalid_handle = 400
    assert ran(FILE, tier, "refusals")["destroyed"] == [0, invalid_handle, 7]
