"""The stated-size encoding and the concrete evaluator say the same of every drawn step."""

from __future__ import annotations

from random import Random

import pytest
import z3
from drawn_machines import drawn_arguments, drawn_machine, drawn_state

from kvcheck.solve.cells import scalar_of
from kvcheck.solve.finite_read import Reading
from kvcheck.solve.finite_run import execute
from kvcheck.solve.finite_state import cells_of, fresh_state, is_state, state_in
from kvcheck.solve.numbers import Algebra, bit_value, conjunction, negation
from kvspec.lang.concrete import Disabled, Failed, Stepped, holds, step


def solution_of(algebra, *bits):
    solver = z3.SolverFor("QF_FD", algebra.context)
    solver.add(*(algebra.bit(bit) for bit in bits))
    return solver.model() if solver.check() == z3.sat else None


@pytest.mark.parametrize("seed", range(25))
def test_encoding_of_an_action_does_what_the_concrete_step_does(seed):
    model = drawn_machine(seed)
    algebra = Algebra(z3.Context())
    cells, well_formed = fresh_state(algebra, model, tag="s.")
    random = Random(seed)
    for action in model.actions:
        run = execute(algebra, model, action, cells)
        for _ in range(3):
            state, arguments = drawn_state(random), drawn_arguments(random, action)
            chosen = conjunction(
                well_formed,
                run.well_typed,
                is_state(algebra, model, cells, state),
                *(
                    algebra.same(term, scalar_of(p.type, value))
                    for p, term, value in zip(
                        action.parameters, run.arguments, arguments, strict=True
                    )
                ),
            )
            outcome = step(model, state, action, arguments)
            match outcome:
                case Disabled():
                    claim = run.disabled()
                case Failed(check=check):
                    claim = conjunction(run.failed(check), negation(run.disabled()))
                case Stepped(state=after):
                    claim = conjunction(run.stepped, is_state(algebra, model, run.after, after))
            found = solution_of(algebra, chosen, claim)
            assert found is not None, outcome
            assert solution_of(algebra, chosen, negation(claim)) is None, outcome
            assert state_in(found, model, cells) == state
            if isinstance(outcome, Stepped):
                assert state_in(found, model, run.after) == outcome.state


@pytest.mark.parametrize("seed", range(25))
def test_encoding_of_a_fact_holds_where_the_concrete_one_does(seed):
    model = drawn_machine(seed)
    algebra = Algebra(z3.Context())
    cells, well_formed = fresh_state(algebra, model, tag="s.")
    facts = [Reading(algebra, cells, {}).bit(p.formula) for p in model.properties]
    random = Random(seed)
    for _ in range(5):
        state = drawn_state(random)
        found = solution_of(algebra, well_formed, is_state(algebra, model, cells, state))
        assert found is not None
        assert [bit_value(found, fact) for fact in facts] == [
            holds(model, p, state) for p in model.properties
        ]


@pytest.mark.parametrize("seed", range(25))
def test_a_known_state_is_read_without_asking_a_solver(seed):
    model = drawn_machine(seed)
    algebra = Algebra(z3.Context())
    state = drawn_state(Random(seed))
    reading = Reading(algebra, cells_of(model, state), {})
    for prop in model.properties:
        assert reading.bit(prop.formula) is holds(model, prop, state)
