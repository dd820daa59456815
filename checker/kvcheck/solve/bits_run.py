"""An action with given arguments run over a state of wires: when it runs, when it fails, what then.

It gives wires; it searches nothing. Statements run in order, both branches of an `If` are run and
then chosen between, and a loop is run round by round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kvcheck.solve.bits import FALSE, TRUE, Circuit, Wire, Word, inverse
from kvcheck.solve.bits_read import BitReading
from kvcheck.solve.bits_state import (
    BitCell,
    BitQueue,
    BitSet,
    BitState,
    chosen_cell,
    closed_up,
    pushed,
)
from kvspec.lang.concrete import Arguments
from kvspec.lang.ir import (
    Action,
    Assert,
    Assign,
    Fill,
    ForEach,
    If,
    Let,
    Pop,
    Push,
    Remove,
    Require,
    SetMember,
    Statement,
)
from kvspec.lang.types import SetType


class BitRun:
    """One run: `completes`, `fails` (at an assertion), and the `state` where it completes."""

    def __init__(
        self, circuit: Circuit, action: Action, arguments: Arguments, state: BitState
    ) -> None:
        self.circuit = circuit
        self.state: dict[str, tuple[BitCell, ...]] = dict(state)
        pairs = zip(action.parameters, arguments, strict=True)
        self.env: Mapping[str, Word] = {p.name: Word(value) for p, value in pairs}
        self.completes, self.fails, self.path = TRUE, FALSE, TRUE
        self._run(action.body)

    def _run(self, statements: Sequence[Statement]) -> None:
        for statement in statements:
            self._run_one(statement)

    @property
    def _reading(self) -> BitReading:
        return BitReading(self.circuit, self.state, self.env)

    def _run_one(self, statement: Statement) -> None:
        match statement:
            case Let(local=local, value=value):
                self.env = {**self.env, local.name: self._reading.word(value)}
            case Require(condition=condition) | Assert(condition=condition):
                holds = self._reading.wire(condition)
                passed = self.circuit.either(inverse(self.path), holds)
                if isinstance(statement, Assert):
                    stopped = self.circuit.both(self.completes, inverse(passed))
                    self.fails = self.circuit.either(self.fails, stopped)
                self.completes = self.circuit.both(self.completes, passed)
            case If(condition=condition, then=then, otherwise=otherwise):
                self._branch(self._reading.wire(condition), then, otherwise)
            case ForEach(bound=bound, domain=domain, body=body):
                for inside, number in list(self._reading.candidates(domain)):
                    self.env = {**self.env, bound.name: number}
                    self._branch(inside, body, ())
            case _:
                self._write(statement)

    def _branch(
        self, condition: Wire, then: Sequence[Statement], otherwise: Sequence[Statement]
    ) -> None:
        before, env, path = dict(self.state), self.env, self.path
        self.path = self.circuit.both(path, condition)
        self._run(then)
        yes, yes_env = self.state, self.env
        self.state, self.env = dict(before), env
        self.path = self.circuit.both(path, inverse(condition))
        self._run(otherwise)
        self.path = path
        for name, cells in yes.items():
            self.state[name] = tuple(
                chosen_cell(self.circuit, condition, a, b)
                for a, b in zip(cells, self.state[name], strict=True)
            )
        self.env = {**yes_env, **self.env, **self._joined(condition, yes_env, self.env)}

    def _joined(
        self, condition: Wire, yes: Mapping[str, Word], no: Mapping[str, Word]
    ) -> dict[str, Word]:
        names = sorted(yes.keys() & no.keys())
        return {name: self.circuit.select(condition, yes[name], no[name]) for name in names}

    def _write(self, statement: Assign | Push | Pop | Remove | SetMember | Fill) -> None:
        reading, variable = self._reading, statement.variable
        cells = list(self.state[variable.name])
        for where, row in reading.rows(variable.dims, statement.index):
            new = self._written(statement, reading, cells[row])
            cells[row] = chosen_cell(self.circuit, where, new, cells[row])
        self.state[variable.name] = tuple(cells)

    def _written(
        self,
        statement: Assign | Push | Pop | Remove | SetMember | Fill,
        reading: BitReading,
        old: BitCell,
    ) -> BitCell:
        circuit = self.circuit
        match statement:
            case Assign(value=value):
                assert isinstance(old, Word)
                return circuit.fitted(reading.word(value), old.low, len(old.bits))
            case SetMember(variable=variable, element=element, present=present):
                assert isinstance(old, BitSet)
                assert isinstance(variable.leaf, SetType)
                which, there = reading.word(element), reading.wire(present)
                low = variable.leaf.element.low
                return BitSet(
                    tuple(
                        circuit.choice(circuit.is_value(which, low + k), there, member)
                        for k, member in enumerate(old.members)
                    )
                )
        assert isinstance(old, BitQueue)
        match statement:
            case Push(fields=fields):
                return pushed(circuit, old, [reading.word(field) for field in fields])
            case Pop():
                return closed_up(circuit, old, (TRUE,) + (FALSE,) * (len(old.used) - 1))
            case Remove(element=element):
                return closed_up(circuit, old, reading.hits(old, reading.word(element)))
            case _:
                raise ValueError(f"{statement.variable.name} is filled outside init")
