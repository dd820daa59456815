"""Everything that an every-size proof takes for granted is true of concrete states and steps.

Theorems do not need the invariants, so the states are drawn without sense as well as met on walks.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from random import Random

import pytest
import z3
from concrete_structure import Structure, element
from drawn_designs import DESIGNS, drawn_state, met_states
from drawn_machines import drawn_machine
from every_size_case import Case

from kvcheck.solve.every_size_run import Goal, Run
from kvcheck.solve.every_size_state import (
    ANY_INT,
    AT,
    COUNT,
    HAS,
    HEAD,
    TAIL,
    TICKET,
    VALUE,
    element_of,
    is_counted,
)
from kvcheck.solve.every_size_step import Step
from kvcheck.solve.every_size_terms import NoEverySizeMeaning
from kvspec.lang.concrete import Failed, Stepped, arguments_of, holds, step
from kvspec.lang.ir import Constant, Literal, Model, ReadConstant, Variable
from kvspec.lang.state import blank_state, row_indices
from kvspec.lang.types import FifoType, RecordType, ScalarType, SetType, SortType

RANDOM = 7


def cases_of(model: Model) -> list[Case]:
    """Every action that has a meaning at every size."""
    found = []
    for action in model.actions:
        try:
            found.append(Case(Step(model, action.name)))
        except NoEverySizeMeaning:
            continue
    return found


def assert_agrees(case: Case, state, arguments, random: Random) -> bool:
    """The theorems are true here, and the symbolic run does what the concrete step does.

    Whether there was a run to compare: not where a value leaves its type, which has an obligation.
    """
    one, run, model = case.one, case.one.run, case.one.model
    real = case.structure(state, arguments, random)
    assert [theorem for theorem in case.theorems if not real.value(theorem)] == []
    for prop in model.properties:
        assert bool(real.value(case.before[prop.name])) is holds(model, prop, state)
    if any(fails(real, run, goal) for goal in run.goals if goal.check is None):
        return False
    outcome = step(model, state, one.action, arguments)
    passes = all(real.value(part) for part in run.assumed)
    assert passes is isinstance(outcome, Stepped)
    if isinstance(outcome, Failed):
        checked = (goal for goal in run.goals if goal.check is not None)
        failing = (goal.check for goal in checked if fails(real, run, goal))
        assert next(failing) == outcome.check
    elif isinstance(outcome, Stepped):
        assert not any(fails(real, run, goal) for goal in run.goals)
        assert_ends_in(case, real, outcome.state)
    return True


def fails(real: Structure, run: Run, goal: Goal) -> bool:
    """Whether the run reaches a goal and finds it false."""
    reached = all(real.value(part) for part in run.assumed[: goal.known])
    return reached and not real.value(goal.condition)


def assert_ends_in(case: Case, real: Structure, after) -> None:
    one, model = case.one, case.one.model
    for variable, rows in zip(model.variables, after, strict=True):
        for index, row in zip(row_indices(variable.dims), rows, strict=True):
            assert row_in(real, one, variable, index) == row, variable.name
    for prop in model.properties:
        assert bool(real.value(case.after[prop.name])) is holds(model, prop, after), prop.name


def row_in(real: Structure, one: Step, variable: Variable, index: tuple[int, ...]):
    """A cell after the symbolic run, as `kvspec.lang.state` writes it."""

    def part(name: str, *more: tuple[ScalarType, int]) -> int:
        dims = (*zip(variable.dims, index, strict=True), *more)
        return real.value(one.run.state[variable.name, name](*(numbered(one, *d) for d in dims)))

    leaf = variable.leaf
    if is_counted(variable):
        kind = element_of(variable)
        members = [k for k in range(kind.low, kind.high + 1) if part(HAS, (kind, k))]
        assert part(COUNT) == len(members)
        if isinstance(leaf, SetType):
            return sum(1 << (k - kind.low) for k in members)
        return tuple(sorted(members, key=lambda k: part(TICKET, (kind, k))))
    if not isinstance(leaf, FifoType):
        return part(VALUE)
    items = [
        tuple(part(AT + name, (ANY_INT, place)) for name, _ in leaf.fields)
        for place in range(part(HEAD), part(TAIL))
    ]
    return tuple(items if isinstance(leaf.element, RecordType) else (x[0] for x in items))


def numbered(one: Step, kind: ScalarType, value: int) -> z3.ExprRef:
    """The term of one value."""
    sort = one.words.sort_of(kind)
    if one.words.is_open(kind):
        return element(sort, value)
    return z3.BoolVal(bool(value)) if sort.kind() == z3.Z3_BOOL_SORT else z3.IntVal(value)


@pytest.mark.parametrize("design", DESIGNS)
def test_what_a_proof_assumes_is_true_of_each_concrete_step_of_a_design(design):
    random, model = Random(RANDOM), design.instance()
    met = met_states(model, random, 40)
    compared = []
    for case in cases_of(model):
        for state in (*random.sample(met, 3), drawn_state(model, random)):
            arguments = random.choice(list(arguments_of(case.one.action)))
            compared.append(assert_agrees(case, state, arguments, random))
    assert sum(compared) > len(compared) / 2


def elements_named(node, named: dict[str, Constant]):
    """The same with each literal of a sort read from a constant: an open sort has no numerals."""
    if isinstance(node, Literal) and isinstance(node.type, SortType):
        name = f"{node.type.name}{node.value}"
        constant = Constant(name, (), node.type, (node.value,))
        named[name] = constant
        return ReadConstant(constant, ())
    if isinstance(node, tuple):
        return tuple(elements_named(part, named) for part in node)
    if not is_dataclass(node) or isinstance(node, SortType | Constant | Variable):
        return node
    return replace(
        node, **{f.name: elements_named(getattr(node, f.name), named) for f in fields(node)}
    )


def drawn_open_machine(seed: int, sorts: tuple[str, ...]) -> Model:
    """A drawn machine whose sorts are open and whose literals of sorts are constants."""
    named: dict[str, Constant] = {}
    model = drawn_machine(seed)
    actions = elements_named(model.actions, named)
    properties = elements_named(model.properties, named)
    constants = (*model.constants, *named.values())
    return replace(model, sorts=sorts, actions=actions, properties=properties, constants=constants)


@pytest.mark.parametrize("sorts", [("Block", "Slot"), ("Block",), ()])
def test_what_a_proof_assumes_is_true_of_each_drawn_step(sorts):
    compared = []
    for seed in range(12):
        random, model = Random(seed), drawn_open_machine(seed, sorts)
        for case in cases_of(model):
            for _ in range(2):
                state = drawn_state(model, random)
                arguments = random.choice(list(arguments_of(case.one.action)))
                compared.append(assert_agrees(case, state, arguments, random))
    assert sum(compared) > 20


@pytest.mark.parametrize("design", DESIGNS)
def test_what_a_proof_assumes_is_true_of_init(design):
    model, random = design.instance(), Random(RANDOM)
    case = Case(Step(model, model.init.name))
    for arguments in arguments_of(model.init):
        assert assert_agrees(case, blank_state(model), arguments, random)
