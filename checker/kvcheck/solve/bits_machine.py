"""A machine at stated sizes as one circuit with memory: its next state, and whether it is bad.

It makes the circuit; `pdr_blif` writes it down. One input word chooses an action with its
arguments each step; a choice that is not enabled changes nothing. A memory wire that starts true
is kept inverted, because ABC reports invariants only for memory that starts false. With several
initial states a first step chooses one of them, and nothing is bad before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kvcheck.solve.bits import FALSE, TRUE, Circuit, Wire, Word, inverse
from kvcheck.solve.bits_read import BitReading
from kvcheck.solve.bits_run import BitRun
from kvcheck.solve.bits_state import chosen_cell, state_bits, state_from, state_wires
from kvcheck.solve.bounded import Assertions
from kvcheck.trace.path import Move
from kvspec.lang.concrete import arguments_of, initial_states
from kvspec.lang.ir import Model, Property
from kvspec.lang.state import State


@dataclass(frozen=True, slots=True)
class Memory:
    """A memory wire: what it holds now, what next; `starts` is the state wire's first value."""

    name: str
    now: Wire
    following: Wire
    starts: bool


@dataclass(frozen=True, slots=True)
class BitMachine:
    """The circuit of a model, its memory, its choice inputs, and when it is bad."""

    circuit: Circuit
    memory: tuple[Memory, ...]
    choices: tuple[Wire, ...]
    moves: tuple[Move, ...]
    starts: tuple[State, ...]
    bad: Wire

    @property
    def has_first_step(self) -> bool:
        """Whether the first step only chooses an initial state."""
        return len(self.starts) > 1


class _Maker:
    """Makes the circuit of a model, part by part."""

    def __init__(self, model: Model) -> None:
        self.model, self.circuit = model, Circuit()
        self.starts = initial_states(model)
        self.moves = tuple(Move(a.name, args) for a in model.actions for args in arguments_of(a))
        options = max(len(self.moves), len(self.starts))
        self.choices = tuple(self.circuit.input() for _ in range((options - 1).bit_length()))
        self.choice = Word(0, self.choices)
        self.names: list[str] = []
        self.inputs: list[Wire] = []
        one_start = len(self.starts) == 1
        size = len(state_bits(model, self.starts[0]))
        self.first = state_bits(model, self.starts[0]) if one_start else [False] * size
        self.state = state_from(model, self._new_wire)

    def _new_wire(self, name: str) -> Wire:
        place = len(self.inputs)
        self.names.append(f"{name}.{place}")
        self.inputs.append(self.circuit.input())
        return inverse(self.inputs[-1]) if self.first[place] else self.inputs[-1]

    def stepped(self) -> tuple[list[Wire], Wire]:
        """The state's wires after the chosen move, and whether an assertion fails in it."""
        circuit, following, fails = self.circuit, dict(self.state), FALSE
        actions = {action.name: action for action in self.model.actions}
        for number, move in enumerate(self.moves):
            run = BitRun(circuit, actions[move.action], move.arguments, self.state)
            chosen = circuit.is_value(self.choice, number)
            taken = circuit.both(chosen, run.completes)
            for name, cells in run.state.items():
                following[name] = tuple(
                    old if new is kept else chosen_cell(circuit, taken, new, old)
                    for new, kept, old in zip(cells, self.state[name], following[name], strict=True)
                )
            fails = circuit.either(fails, circuit.both(chosen, run.fails))
        return state_wires(following), fails

    def started(self, following: Sequence[Wire]) -> tuple[list[Wire], Wire]:
        """What follows, but in the first step the chosen initial state; and the wire that tells.

        A choice of none of them is one of the first.
        """
        circuit, began = self.circuit, self.circuit.input()
        rows = [state_bits(self.model, start) for start in self.starts]
        chosen = [circuit.is_value(self.choice, number) for number in range(len(rows))]
        chosen[0] = inverse(circuit.any(chosen[1:]))
        first = [
            circuit.any([wire for wire, row in zip(chosen, rows, strict=True) if row[place]])
            for place in range(len(following))
        ]
        pairs = zip(following, first, strict=True)
        return [circuit.choice(began, later, start) for later, start in pairs], began


def bit_machine(model: Model, properties: Sequence[Property], assertions: Assertions) -> BitMachine:
    """The circuit that is bad where a property is false or, if asked for, an assertion fails."""
    maker = _Maker(model)
    circuit = maker.circuit
    following, fails = maker.stepped()
    reading = BitReading(circuit, maker.state, {})
    holds = circuit.all([reading.wire(prop.formula) for prop in properties])
    bad = circuit.either(inverse(holds), fails if assertions is Assertions.CHECKED else FALSE)
    began: Wire | None = None
    if len(maker.starts) > 1:
        following, began = maker.started(following)
        bad = circuit.both(bad, began)
    parts = zip(maker.names, maker.inputs, following, maker.first, strict=True)
    memory = [Memory(n, now, inverse(w) if first else w, first) for n, now, w, first in parts]
    if began is not None:
        memory.append(Memory("began", began, TRUE, False))
    return BitMachine(circuit, tuple(memory), maker.choices, maker.moves, maker.starts, bad)
