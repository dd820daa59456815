"""What a record says about a finding, taken from the concrete evaluator and from nowhere else."""

from __future__ import annotations

from dataclasses import replace

import handmade_pool as pool
import pytest

from kvcheck.trace.path import NotReproduced, Start
from kvcheck.trace.record import RunKind, ShapeKind
from kvcheck.trace.retell import retell


def test_a_failing_step_keeps_every_write_before_the_failure_in_order() -> None:
    record = retell(pool.model(), pool.failing_offload(), pool.ORIGIN)
    assert record.kind is RunKind.COUNTEREXAMPLE
    last = record.steps[-1]
    assert [(e.cell, e.before, e.after, e.source.line) for e in last.effects] == [
        ("pending", "[]", "[(src=slot1 dst=slot2)]", 55),
        ("slot[block1]", "slot1", "slot2", 56),
        ("slot[block2]", "slot2", "slot1", 56),
    ]
    assert dict(record.final)["slot[block1]"] == "slot2"


def test_a_failed_assertion_is_blamed_with_the_values_it_read() -> None:
    violation = retell(pool.model(), pool.failing_offload(), pool.ORIGIN).violation
    assert violation is not None
    assert violation.failing == "victim in free[here]"
    assert violation.instance == "block1 in free[SECONDARY]"
    assert dict(violation.values) == {
        "free[SECONDARY]": "[block2 block3]",
        "here": "SECONDARY",
        "victim": "block1",
    }
    assert violation.source.line == 31


def test_an_invariant_is_blamed_at_its_first_false_instance() -> None:
    violation = retell(pool.model(), pool.broken_invariant(), pool.ORIGIN).violation
    assert violation is not None
    assert violation.formula == "all(any(b in free[l] for l in Level) for b in Block)"
    assert violation.bindings == (("b", "block0"),)
    assert violation.failing == "any(b in free[l] for l in Level)"
    assert violation.values == (
        ("free[PRIMARY]", "[block1]"),
        ("free[SECONDARY]", "[block2 block3]"),
    )
    assert (violation.id, violation.why) == ("KV-INV-99", "made up for a test")


def test_changes_of_the_steps_lead_from_the_first_state_to_the_last() -> None:
    record = retell(pool.model(), pool.failing_offload(), pool.ORIGIN)
    cells = dict(record.initial)
    for step in record.steps:
        for change in step.changes:
            assert cells[change.cell] == change.before
            cells[change.cell] = change.after
    assert cells == dict(record.final)


def test_a_record_names_constants_and_the_shape_of_each_variable() -> None:
    record = retell(pool.model(), pool.broken_invariant(), pool.ORIGIN)
    assert dict(record.constants)["tier[slot3]"] == "SECONDARY"
    shapes = {shape.name: shape for shape in record.shapes}
    assert shapes["free"].kind is ShapeKind.QUEUE
    assert shapes["free"].capacity == 4
    assert shapes["tier"].kind is ShapeKind.ENUM


def test_a_finding_that_does_not_happen_is_refused() -> None:
    finding = replace(pool.broken_invariant(), name="counters")
    with pytest.raises(NotReproduced):
        retell(pool.model(), finding, pool.ORIGIN)


def test_a_counterexample_to_induction_is_never_called_a_counterexample() -> None:
    finding = replace(pool.broken_invariant(), start=Start.ANYWHERE)
    record = retell(pool.model(), finding, pool.ORIGIN)
    assert record.kind is RunKind.CTI
    assert "not inductive" in record.sentence
    assert "unreachable" in record.sentence
