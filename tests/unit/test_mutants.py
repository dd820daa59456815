"""A mutant lacks exactly one conjunct, and the checks notice it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from kvcheck.mutate import Notice, guard_mutants, judge, property_mutants
from kvcheck.mutate.mutants import TRUE, weaker
from kvspec.bugs import BUGS
from kvspec.lang.ir import BOOL, Apply, Local, Operator, Quantified, QuantifierKind, Values
from kvspec.lang.types import IntType
from kvspec.models import MACHINES

A, B, C = (Local(name, BOOL) for name in "abc")
X = Local("x", IntType(0, 2))


def joined(operator, *operands):
    return Apply(operator, operands, BOOL)


def every(body):
    return Quantified(QuantifierKind.ALL, X, Values(X.type), body, BOOL)


def test_each_conjunct_goes_once_and_the_others_stay():
    both = joined(Operator.AND, A, B)
    assert list(weaker(both)) == [(A, B), (B, A)]
    assert list(weaker(every(both))) == [(A, every(B)), (B, every(A))]


def test_a_lone_conjunct_leaves_nothing():
    assert list(weaker(every(A))) == [(A, TRUE)]
    assert list(weaker(joined(Operator.OR, A, B))) == [(joined(Operator.OR, A, B), TRUE)]


def test_a_conjunction_that_is_implied_loses_its_parts():
    implied = joined(Operator.OR, C, joined(Operator.AND, A, B))
    assert list(weaker(implied)) == [
        (A, joined(Operator.OR, C, B)),
        (B, joined(Operator.OR, C, A)),
    ]


def test_a_denied_alternative_is_a_conjunct():
    def no(x):
        return joined(Operator.NOT, x)

    assert list(weaker(no(joined(Operator.OR, A, B)))) == [(no(A), no(B)), (no(B), no(A))]


def test_a_guard_mutant_keeps_all_but_one_require():
    model = MACHINES["window"].instance()
    mutant = next(m for m in guard_mutants(model) if m.owner == "slide" and m.number == 2)
    assert mutant.text == "the other is a placeholder"
    right, wrong = (next(a for a in m.actions if a.name == "slide") for m in (model, mutant.model))
    gone = [s for s in right.body if s not in wrong.body]
    assert [s.label for s in gone] == ["the other is a placeholder"]
    assert len(wrong.body) == len(right.body) - 1


def test_a_weaker_guard_is_found_by_a_search():
    right = MACHINES["window"].instance()
    for mutant in guard_mutants(right):
        judgement = judge(mutant, [(mutant.model, right)], ())
        assert judgement.notice is Notice.SEARCH, mutant.id


def test_an_invariant_that_only_one_bug_breaks_is_missed_by_it():
    model = MACHINES["window"].instance()
    mutant = next(m for m in property_mutants(model) if m.owner == "one_hole_each")
    judgement = judge(mutant, (), [BUGS["inv-57-shared-hole"]])
    assert (judgement.notice, judgement.by) == (Notice.MISSED, "inv-57-shared-hole")


def test_a_mutant_that_changes_nothing_is_noticed_by_nobody():
    model = MACHINES["stored"].instance(P=1, S=1)
    mutant = next(property_mutants(model))
    harmless = type(mutant)(mutant.place, "no_such_fact", 1, "true", model)
    assert judge(harmless, (), ()).notice is Notice.NOBODY


def test_the_committed_report_is_about_the_designs_as_they_are():
    text = (Path(__file__).parents[2] / "docs" / "mutation.md").read_text(encoding="utf-8")
    rows = text.split("## Every mutant")[1].splitlines()[4:]
    told = Counter(tuple(cell.strip() for cell in row.split(" | ")[:2]) for row in rows)
    made = Counter(
        (f"| {name}", mutant.owner)
        for name, machine in MACHINES.items()
        for mutant in (*guard_mutants(machine.instance()), *property_mutants(machine.instance()))
    )
    assert told == made, "run python bench/mutate_spec.py"
    survivors = re.findall(r"^- ([a-z0-9-]+), ", text.split("## Survivors")[1], re.M)
    assert Counter(survivors) == {"locks": 1, "remote": 11}, "more than known"
