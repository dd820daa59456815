"""Every row of S1, S3 and S5 has a wrong design, and every invariant a design that breaks it."""

from __future__ import annotations

import pytest

from kvspec.bugs import BUGS
from kvspec.lang.ir import PropertyKind
from kvspec.models import STATED


@pytest.mark.parametrize("bug", BUGS.values(), ids=list(BUGS))
def test_a_bug_is_a_variant_of_the_design_that_it_names(bug):
    assert issubclass(bug.machine, STATED[bug.design])
    assert bug.machine is not STATED[bug.design]


@pytest.mark.parametrize("bug", BUGS.values(), ids=list(BUGS))
def test_a_bug_keeps_the_design_s_state_actions_and_properties(bug):
    right = STATED[bug.design].instance(**bug.sizes)
    wrong = bug.machine.instance(**bug.sizes)
    assert declared(wrong) == declared(right)
    assert [a.name for a in wrong.actions if not a.thread] == [
        a.name for a in right.actions if not a.thread
    ]
    assert {a.thread for a in wrong.actions} == {a.thread for a in right.actions}
    assert [p.formula for p in wrong.properties] == [p.formula for p in right.properties]


def declared(model):
    "The variables that the machine declares; a thread's own may differ from bug to bug."
    return [v for v in model.variables if "__" not in v.name]


@pytest.mark.parametrize("bug", BUGS.values(), ids=list(BUGS))
def test_what_a_bug_breaks_exists(bug):
    model = bug.machine.instance(**bug.sizes)
    named = {p.name for p in model.properties} | {a.name for a in model.actions} | {"deadlock"}
    assert bug.breaks
    assert set(bug.breaks) <= named


@pytest.mark.parametrize("bug", BUGS.values(), ids=list(BUGS))
def test_a_bug_names_its_source_and_its_file(bug):
    assert bug.source
    assert bug.sentence.endswith(".")
    assert bug.machine.__module__ == f"kvspec.bugs.{bug.id.replace('-', '_')}"


def test_every_row_of_a_case_has_a_wrong_design():
    rows = {bug.row for bug in BUGS.values()}
    assert {f"S1.{n}" for n in range(1, 7)} <= rows
    assert {f"S3.{n}" for n in range(1, 8)} <= rows  # S3.8 is about a port, not about blocks
    assert {f"S5.{n}" for n in range(1, 8)} <= rows


def test_no_invariant_is_without_a_design_that_breaks_it():
    stated = {
        (name, prop.name): prop.at  # a variant states what its design states, in the same place
        for name, machine in STATED.items()
        for prop in machine.instance().of_kind(PropertyKind.INVARIANT)
    }
    broken = {stated.get((bug.design, name)) for bug in BUGS.values() for name in bug.breaks}
    assert {one for one, at in stated.items() if at not in broken} == set()
