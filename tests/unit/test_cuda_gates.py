"""An order found in simulation is forced upon the CUDA device, operation by operation, by gates.

Over the fake driver, as slow and as fast as it can be; no gate has met hardware.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("cuda.bindings", reason="NOT TESTED: no cuda-bindings: gates are not run")

from fake_process import ran

from kvcheck.litmus import SUITE

FILE = "gates_on_fake.py"
# The CUDA device keeps freed memory while kernels use it, so reuse has no order to force.
KEPT = {
    "torch_pool_ignores_kernels",
    "torch_pool_covers_no_other_stream",
    "torch_pool_loses_an_alias_with_an_offset",
}


def test_each_allowed_outcome_is_reached_through_gates_at_either_pace(library: Path) -> None:
    got: dict[str, dict[str, list[str]]] = ran(FILE, library, "litmus")
    assert got.keys() == SUITE.keys()
    assert sum(len(test.program.threads) == 2 for test in SUITE.values()) >= 5
    for name, test in SUITE.items():
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
    assert short.startswith("the record ends where 'host' still does 'enqueue copy'")
    assert other.startswith("the record has 'host: enqueue fill' where it does 'alloc D'")
    assert stuck.startswith("the gate of 'fill' on 'legacy' is stuck: After 100 s")
    assert all(
        said.endswith("record again, or see docs/gates.md.") for said in (short, other, stuck)
    )


def test_tasks_that_share_a_lock_and_python_s_own_state_keep_the_record_at_either_pace(
    library: Path,
) -> None:
    got, reach, live = ran(FILE, library, "tasks")
    assert reach == "exhausted"
    assert len(got) == 4
    for outcome, reached in got:
        assert reached == [outcome] * 2
    assert live == {"events": 0, "streams": 0, "memory": 0}


def test_no_task_goes_between_two_calls_of_another_and_a_turn_passed_on_too_early_is_told(
    library: Path,
) -> None:
    goes_between, planted = ran(FILE, library, "atomic")
    assert (goes_between, planted) == (False, True)


def test_a_wait_past_the_port_ends_with_its_work_or_in_a_fault_and_never_hangs(
    library: Path,
) -> None:
    outcome, forced_to, said = ran(FILE, library, "beyond")
    assert outcome == forced_to == 1
    assert said.startswith("for 40 s no step was taken: the record has 'host: host write' next")


def test_tasks_that_wait_for_each_other_and_records_of_other_tasks_are_faults(
    library: Path,
) -> None:
    stuck, nobody, longer, shorter, live = ran(FILE, library, "waiting")
    assert stuck.startswith(
        "for 40 s no step was taken: the record has 'other: inside' next, and the tasks are "
        "'host', 'other'; one of them waits past the port"
    )
    assert nobody.startswith("the record has 'nobody: spawn other' where 'host' does 'here'")
    assert longer.startswith("the record has 'host: there' where the program has ended")
    assert shorter.startswith("the record ends where 'host' still does 'there'")
    assert live == 0, "what a fault leaves behind is given back"
