"""An order found in simulation is forced upon the CUDA device, operation by operation, by gates.

Over the fake driver, as slow and as fast as it can be; no gate has met hardware.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("cuda.bindings", reason="NOT TESTED: no cuda-bindings: gates are not run")

from fake_process import ran

from kvcheck.litmus import SUITE
from kvimpl.device.fake import CompilerMissing, build

FILE = "gates_on_fake.py"
# The CUDA device keeps freed memory while kernels use it, so reuse has no order to force.
KEPT = {
    "torch_pool_ignores_kernels",
    "torch_pool_covers_no_other_stream",
    "torch_pool_loses_an_alias_with_an_offset",
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return build(tmp_path_factory.mktemp("fake"))
    except CompilerMissing as missing:
        pytest.skip(f"NOT TESTED: gates on the fake driver: {missing}")


def test_each_allowed_outcome_is_reached_through_gates_at_either_pace(library: Path) -> None:
    got: dict[str, dict[str, list[str]]] = ran(FILE, library, "litmus")
    one_host = {name: test for name, test in SUITE.items() if len(test.program.threads) == 1}
    assert got.keys() == one_host.keys()
    for name, test in one_host.items():
        wanted = {repr(tuple(map(int, outcome))) for outcome in test.allowed}
        assert got[name].keys() == wanted
        for outcome, found in got[name].items():
            assert found == ["(1,)" if name in KEPT else outcome] * 2, name


def test_without_gates_the_device_s_pace_decides(library: Path) -> None:
    got = ran(FILE, library, "planted")
    assert got == {"(1,)": ["(2,)", "(1,)"], "(2,)": ["(2,)", "(1,)"]}


def test_a_record_that_does_not_apply_and_a_stuck_gate_are_faults_and_no_verdict(
    library: Path,
) -> None:
    short, other, stuck = ran(FILE, library, "faults")
    assert short.startswith("the record ends where the host still does 'enqueue copy'")
    assert other.startswith("the record has 'host: enqueue fill' where it does 'alloc'")
    assert stuck.startswith("the gate of 'fill' on 'legacy' is stuck: After 100 s")
    assert all(
        said.endswith("record again, or see docs/gates.md.") for said in (short, other, stuck)
    )
