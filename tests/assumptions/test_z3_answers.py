"""What the solving engines take for granted of Z3: each is true, or a proof is worth nothing."""

from __future__ import annotations

import time
from importlib.metadata import version

import pytest
import z3

from kvcheck.solve.options import Logic

LOGICS = [logic.value for logic in Logic]


def pigeons(context, holes):
    """One pigeon more than holes, as bit-vectors: false, and hard to see."""
    places = [z3.BitVec(f"p{n}", 6, context) for n in range(holes + 1)]
    apart = [one != other for n, one in enumerate(places) for other in places[:n]]
    return [*(z3.ULT(place, holes) for place in places), *apart]


def solver(logic, *facts, context, **settings):
    found = z3.SolverFor(logic, context)
    for name, value in settings.items():
        found.set(name, value)
    found.add(*facts)
    return found


@pytest.mark.parametrize("logic", LOGICS)
def test_a_limit_of_work_gives_unknown_and_a_reason(logic):
    context = z3.Context()
    asked = solver(logic, *pigeons(context, 9), context=context, rlimit=20_000)
    assert asked.check() == z3.unknown
    assert asked.reason_unknown()


@pytest.mark.parametrize("logic", LOGICS)
def test_a_limit_of_time_gives_unknown_soon_after(logic):
    context = z3.Context()
    asked = solver(logic, *pigeons(context, 16), context=context, timeout=300)
    begun = time.monotonic()
    assert asked.check() == z3.unknown
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("logic", LOGICS)
def test_the_same_question_with_the_same_seed_has_the_same_solution(logic):
    solutions = []
    for _ in range(2):
        context = z3.Context()
        facts = pigeons(context, 9)[1:-3]
        asked = solver(logic, *facts, context=context, random_seed=7)
        assert asked.check() == z3.sat
        solutions.append(sorted(str(d) + str(asked.model()[d]) for d in asked.model()))
    assert solutions[0] == solutions[1]


@pytest.mark.parametrize("logic", LOGICS)
def test_completion_gives_a_value_to_what_a_solution_leaves_open(logic):
    context = z3.Context()
    known, free = z3.Bool("known", context), z3.BitVec("free", 3, context)
    asked = solver(logic, known, context=context)
    assert asked.check() == z3.sat
    assert isinstance(asked.model().eval(free, model_completion=True).as_long(), int)


@pytest.mark.parametrize("logic", LOGICS)
def test_an_assumption_binds_one_check_only(logic):
    context = z3.Context()
    bit = z3.Bool("bit", context)
    asked = solver(logic, z3.Or(bit, z3.Bool("other", context)), context=context)
    assert asked.check(bit) == z3.sat
    assert asked.check(z3.Not(bit)) == z3.sat
    asked.push()
    asked.add(z3.BoolVal(False, context))
    assert asked.check() == z3.unsat
    asked.pop()
    assert asked.check() == z3.sat


@pytest.mark.parametrize("logic", LOGICS)
def test_a_solution_outlives_the_push_it_was_found_under(logic):
    context = z3.Context()
    number = z3.BitVec("number", 4, context)
    asked = solver(logic, z3.ULT(number, 9), context=context)
    asked.push()
    asked.add(number == 5)
    assert asked.check() == z3.sat
    solution = asked.model()
    asked.pop()
    asked.add(number == 3)
    assert asked.check() == z3.sat
    assert solution.eval(number).as_long() == 5


def test_comparisons_of_bit_vectors_are_signed_unless_named_otherwise():
    high = z3.BitVecVal(7, 3)
    assert z3.is_true(z3.simplify(high < 0))
    assert z3.is_false(z3.simplify(z3.ULT(high, 0)))
    assert high.as_signed_long() == -1


def test_the_package_metadata_name_the_version_that_is_loaded():
    assert version("z3-solver").startswith(z3.get_version_string())
