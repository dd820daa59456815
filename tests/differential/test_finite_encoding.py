"""The stated-size encoding and the concrete evaluator say the same of every drawn step."""

from __future__ import annotations

from itertools import permutations
from random import Random

import pytest
import z3
from drawn_machines import BLOCK, COUNT, FREE, LEVEL, drawn_arguments, drawn_machine, drawn_state

import kvcheck.solve.cell_steps as cell_steps
import kvcheck.solve.finite_read as finite_read
import kvcheck.solve.finite_run as finite_run
from kvcheck.solve.cell_steps import popped, pushed, removed
from kvcheck.solve.cells import scalar_of
from kvcheck.solve.finite_read import Reading
from kvcheck.solve.finite_run import execute
from kvcheck.solve.finite_state import cells_of, fresh_state, is_state, state_in
from kvcheck.solve.numbers import Algebra, bit_value, conjunction, known, negation, number_value
from kvspec.lang.concrete import Disabled, Failed, Stepped, holds, step
from kvspec.lang.ir import (
    BOOL,
    Apply,
    At,
    Literal,
    Local,
    Operator,
    Places,
    Quantified,
    QuantifierKind,
)
from kvspec.lang.state import blank_state
from kvspec.lang.types import IntType


def solution_of(algebra, *bits):
    solver = z3.SolverFor("QF_FD", algebra.context)
    solver.add(*(algebra.bit(bit) for bit in (*bits, *algebra.theorems)))
    return solver.model() if solver.check() == z3.sat else None


def claim_of(run, outcome, algebra, model):
    """What the encoding must say, and say only, of a step with this concrete outcome."""
    match outcome:
        case Disabled():
            return run.disabled()
        case Failed(check=check):
            return conjunction(run.failed(check), negation(run.disabled()))
        case Stepped(state=after):
            return conjunction(run.stepped, is_state(algebra, model, run.after, after))


def disagreements(seed):
    """The drawn steps on which the encoding and the concrete evaluator differ."""
    model, random, found = drawn_machine(seed), Random(seed), []
    algebra = Algebra(z3.Context())
    cells, well_formed = fresh_state(algebra, model, tag="s.")
    for action in model.actions:
        run = execute(algebra, model, action, cells)
        for _ in range(3):
            state, arguments = drawn_state(random), drawn_arguments(random, action)
            given = zip(action.parameters, run.arguments, arguments, strict=True)
            chosen = conjunction(
                well_formed,
                run.well_typed,
                is_state(algebra, model, cells, state),
                *(algebra.same(term, scalar_of(p.type, value)) for p, term, value in given),
            )
            outcome = step(model, state, action, arguments)
            claim = claim_of(run, outcome, algebra, model)
            solution = solution_of(algebra, chosen, claim)
            agrees = (
                solution is not None
                and solution_of(algebra, chosen, negation(claim)) is None
                and state_in(solution, model, cells) == state
                and not (
                    isinstance(outcome, Stepped)
                    and state_in(solution, model, run.after) != outcome.state
                )
            )
            if not agrees:
                found.append((action.name, arguments, outcome))
    return found


@pytest.mark.parametrize("seed", range(25))
def test_encoding_of_an_action_does_what_the_concrete_step_does(seed):
    assert disagreements(seed) == []


def forgets_order(algebra, queue, capacity, fields):
    longer = pushed(algebra, queue, capacity, fields)
    return (
        longer
        if hasattr(longer, "columns")
        else longer.__class__(
            longer.low, longer.members, queue.tickets, longer.length, longer.next_ticket
        )
    )


def drops_two(algebra, queue):
    return popped(algebra, popped(algebra, queue))


def removes_nothing(algebra, queue, element):
    return removed(algebra, queue, known(queue.low)) if queue.length.high > 2 else queue


def always_oldest(algebra, queue, offset):
    return known(0)


@pytest.mark.parametrize(
    ("module", "name", "wrong"),
    [
        (finite_run, "pushed", forgets_order),
        (finite_run, "popped", drops_two),
        (finite_run, "removed", removes_nothing),
        (cell_steps, "rank", always_oldest),
        (finite_run, "implication", lambda condition, consequence: consequence),
    ],
)
def test_a_wrong_encoding_is_noticed(monkeypatch, module, name, wrong):
    monkeypatch.setattr(module, name, wrong)
    assert any(disagreements(seed) for seed in range(60))


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


def place_of_block_0(model):
    """The sum of the places at which block 0 stands: a place used as a number."""
    place = Local("p", IntType(0, 2))
    queue = (FREE, (Literal(0, LEVEL),))
    is_there = Apply(Operator.EQ, (At(*queue, place, ""), Literal(0, BLOCK)), BOOL)
    term = Apply(Operator.ITE, (is_there, place, Literal(0, COUNT)), COUNT)
    return Quantified(QuantifierKind.SUM, place, Places(*queue), term, IntType(0, 9))


def wrong_places():
    """The orders of a queue for which the encoding gives block 0 another place."""
    model, found = drawn_machine(0), []
    algebra = Algebra(z3.Context())
    cells, well_formed = fresh_state(algebra, model, tag="s.")
    place = Reading(algebra, cells, {}).number(place_of_block_0(model))
    blank = dict(zip((v.name for v in model.variables), blank_state(model), strict=True))
    for order in [o for n in range(4) for o in permutations(range(3), n)]:
        state = tuple((blank | {"free": (order, ())}).values())
        solution = solution_of(algebra, well_formed, is_state(algebra, model, cells, state))
        if number_value(solution, place) != (order.index(0) if 0 in order else 0):
            found.append(order)
    return found


def test_a_place_in_a_duplicate_free_queue_is_a_number(monkeypatch):
    assert wrong_places() == []
    monkeypatch.setattr(finite_read, "rank", always_oldest)
    assert (1, 0) in wrong_places()
