"""Each design says what is atomic and why each of its facts matters."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace

import pytest

from kvspec.lang.ir import PropertyKind, Require, Strength
from kvspec.models import DESIGNS, MACHINES, PROOFS

ROW = re.compile(r"^\| (?P<actions>[a-z_, ]+?) +\| \S.*\| \S.*\|$", re.MULTILINE)
WANTED = {f"KV-INV-{n:02}" for n in (*range(1, 16), *range(26, 30))}


def invariants(name):
    return DESIGNS[name].instance().of_kind(PropertyKind.INVARIANT)


@pytest.mark.parametrize("name", list(DESIGNS))
def test_the_atomicity_table_has_a_row_for_each_action_and_no_other(name):
    table = ROW.findall(inspect.cleandoc(DESIGNS[name].__doc__ or ""))
    rows = [action.strip() for cell in table[1:] for action in cell.split(",")]
    assert sorted(rows) == sorted(action.name for action in DESIGNS[name].instance().actions)


@pytest.mark.parametrize("name", list(DESIGNS))
def test_the_docstring_begins_with_one_sentence(name):
    sentence = inspect.cleandoc(DESIGNS[name].__doc__ or "").split("\n\n")[0]
    assert sentence.endswith(".")
    assert sentence.count(". ") == 0


@pytest.mark.parametrize("name", list(DESIGNS))
def test_each_invariant_has_its_own_id_a_sentence_and_a_reason(name):
    found = invariants(name)
    assert len({p.id for p in found}) == len(found)
    for prop in found:
        assert re.fullmatch(r"KV-INV-\d\d", prop.id), prop.name
        assert prop.sentence.endswith("."), prop.name
        assert re.search(r"TensorRT-LLM|S\d\.\d|KV-\d\d\d", prop.why), prop.name
        assert prop.strength is Strength.EVERY_SIZE, prop.name


@pytest.mark.parametrize("name", list(MACHINES))
def test_every_action_lemma_and_goal_has_a_sentence_of_its_own(name):
    model = MACHINES[name].instance()
    for documented in (*model.actions, *model.properties):
        assert documented.sentence.endswith("."), documented.name
        assert documented.sentence != documented.name.replace("_", " ")


def test_the_founding_invariants_are_all_stated():
    assert {p.id for name in DESIGNS for p in invariants(name)} >= WANTED


def told(promise):
    "All that a promise says, without where and without what proves it."
    begins = [s.condition if isinstance(s, Require) else s.value for s in promise.begins]
    fair = (promise.weak, promise.strong)
    says = (promise.id, promise.why, promise.sentence, promise.parameters, promise.formula)
    return (promise.name, *says, begins, fair)


@pytest.mark.parametrize("name", list(PROOFS))
def test_a_proof_adds_lemmas_assumptions_and_measures_and_nothing_else(name):
    stated, proved = DESIGNS[name].instance(), PROOFS[name].instance()
    assert issubclass(PROOFS[name], DESIGNS[name])
    as_stated = {"properties": stated.properties, "promises": stated.promises}
    assert replace(proved, name=stated.name, **as_stated) == stated
    assert [told(p) for p in proved.promises] == [told(p) for p in stated.promises]
    added = [p.kind for p in proved.properties if p not in stated.properties]
    assert set(added) == {PropertyKind.LEMMA, PropertyKind.ASSUMPTION}
    assert set(stated.properties) <= set(proved.properties)
