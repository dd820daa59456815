"""The circuit of a machine does what the concrete evaluator does, state by state."""

from __future__ import annotations

from random import Random

import pytest
from counted_shelf import CountedShelf
from drawn_designs import DESIGNS, drawn_state, met_states
from drawn_machines import drawn_machine

from kvcheck.solve.bits_machine import BitMachine, bit_machine
from kvcheck.solve.bits_state import state_bits
from kvcheck.solve.bounded import Assertions
from kvcheck.solve.pdr_lemma import wire_facts
from kvspec.lang.concrete import Evaluation, Failed, Stepped, holds, step
from kvspec.lang.ir import Model, PropertyKind
from kvspec.lang.state import State


def run_circuit(machine: BitMachine, state: list[bool], choice: int) -> tuple[list[bool], bool]:
    """The next state's wires and whether the machine is bad."""
    values = [False] * (2 * len(machine.circuit.gates) + 2)

    def put(wire: int, value: bool) -> None:
        values[wire & ~1], values[wire | 1] = value, not value

    put(0, False)
    for number, wire in enumerate(machine.choices):
        put(wire, bool(choice >> number & 1))
    for memory, value in zip(machine.memory, [*state, True], strict=False):
        put(memory.now, value != memory.starts)
    for number, gate in enumerate(machine.circuit.gates, 1):
        if gate is not None:
            put(2 * number, values[gate[0]] and values[gate[1]])
    following = [values[m.following] != m.starts for m in machine.memory]
    return following[: len(state)], values[machine.bad]


def assert_agrees(model: Model, machine: BitMachine, state: State, choice: int) -> None:
    properties = model.of_kind(PropertyKind.INVARIANT)
    after, bad = run_circuit(machine, state_bits(model, state), choice)
    move = machine.moves[choice]
    action = next(a for a in model.actions if a.name == move.action)
    outcome = step(model, state, action, move.arguments)
    expected = outcome.state if isinstance(outcome, Stepped) else state
    assert after == state_bits(model, expected)
    wrong = any(not holds(model, p, state) for p in properties)
    assert bad is (wrong or isinstance(outcome, Failed))


@pytest.mark.parametrize("design", DESIGNS)
def test_circuit_of_a_design_steps_as_the_evaluator_does(design):
    model, random = design.instance(), Random(11)
    machine = bit_machine(model, model.of_kind(PropertyKind.INVARIANT), Assertions.CHECKED)
    states = [*met_states(model, random, 30), *(drawn_state(model, random) for _ in range(10))]
    for _ in range(120):
        choice = random.randrange(len(machine.moves))
        assert_agrees(model, machine, random.choice(states), choice)


@pytest.mark.parametrize("seed", range(12))
def test_circuit_of_a_drawn_machine_steps_as_the_evaluator_does(seed):
    model, random = drawn_machine(seed), Random(seed)
    machine = bit_machine(model, model.of_kind(PropertyKind.INVARIANT), Assertions.CHECKED)
    for _ in range(30):
        choice = random.randrange(len(machine.moves))
        assert_agrees(model, machine, drawn_state(model, random), choice)


def test_each_wire_says_the_fact_that_a_lemma_reads_from_it():
    model, random = CountedShelf.instance(), Random(5)
    facts = wire_facts(model)
    for _ in range(20):
        state = drawn_state(model, random)
        said = [bool(Evaluation(model, state).value(fact)) for fact in facts]
        assert said == state_bits(model, state)
