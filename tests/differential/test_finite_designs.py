"""The stated-size encoding of each shipped design walks where the concrete evaluator does."""

from __future__ import annotations

from random import Random

import pytest
import z3

from kvcheck.solve.cells import cell_of, scalar_of
from kvcheck.solve.finite_read import Reading
from kvcheck.solve.finite_run import execute
from kvcheck.solve.finite_state import cells_of, fresh_state, is_state, state_in
from kvcheck.solve.numbers import Algebra, bit_value, conjunction, negation
from kvspec.lang.concrete import (
    Disabled,
    Failed,
    Stepped,
    arguments_of,
    holds,
    initial_states,
    step,
)
from kvspec.lang.state import blank_state
from kvspec.models import MACHINES

WALK_STEPS = 12


def walk(model, random):
    """A few states of one run, and an action with arguments from each: disabled ones too."""
    state = random.choice(initial_states(model))
    for _ in range(WALK_STEPS):
        action = random.choice(model.actions)
        yield state, action, random.choice(list(arguments_of(action)))
        moves = [
            after.state
            for action in model.actions
            for arguments in arguments_of(action)
            if isinstance(after := step(model, state, action, arguments), Stepped)
        ]
        if not moves:
            return
        state = random.choice(moves)


def claim_of(algebra, model, run, outcome):
    match outcome:
        case Disabled():
            return run.disabled()
        case Failed(check=check):
            return run.failed(check)
        case Stepped(state=after):
            return conjunction(run.stepped, is_state(algebra, model, run.after, after))


@pytest.mark.parametrize("name", sorted(MACHINES))
def test_each_design_is_encoded_as_it_runs(name):
    model, random = MACHINES[name].instance(), Random(name)
    algebra = Algebra(z3.Context())
    cells, well_formed = fresh_state(algebra, model, tag="s.")
    facts = [Reading(algebra, cells, {}).bit(p.formula) for p in model.properties]
    runs = {a.name: execute(algebra, model, a, cells) for a in model.actions}
    for state, action, arguments in walk(model, random):
        run = runs[action.name]
        given = zip(action.parameters, run.arguments, arguments, strict=True)
        chosen = conjunction(
            well_formed,
            is_state(algebra, model, cells, state),
            *(algebra.same(term, scalar_of(p.type, value)) for p, term, value in given),
        )
        claim = claim_of(algebra, model, run, step(model, state, action, arguments))
        solver = z3.SolverFor("QF_FD", algebra.context)
        solver.add(*(algebra.bit(bit) for bit in (chosen, *algebra.theorems)))
        assert solver.check(algebra.bit(negation(claim))) == z3.unsat, (action.name, arguments)
        assert solver.check() == z3.sat
        told = [bit_value(solver.model(), fact) for fact in facts]
        assert told == [holds(model, p, state) for p in model.properties]


@pytest.mark.parametrize("name", sorted(MACHINES))
def test_init_of_each_design_is_encoded_as_it_runs(name):
    model = MACHINES[name].instance()
    algebra = Algebra(z3.Context())
    run = execute(algebra, model, model.init, cells_of(model, blank_state(model)))
    for arguments in arguments_of(model.init):
        solver = z3.SolverFor("QF_FD", algebra.context)
        for parameter, term, value in zip(
            model.init.parameters, run.arguments, arguments, strict=True
        ):
            solver.add(algebra.bit(algebra.same(term, cell_of(parameter.type, value))))
        assert solver.check() == z3.sat
        outcome = step(model, blank_state(model), model.init, arguments)
        assert isinstance(outcome, Stepped) is bit_value(solver.model(), run.stepped)
        if isinstance(outcome, Stepped):
            assert state_in(solver.model(), model, run.after) == outcome.state
