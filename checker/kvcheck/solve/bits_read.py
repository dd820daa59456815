"""Expressions of the spec as words of wires over a state of wires.

It reads; it changes nothing. Every quantifier is written out and every index decoded, because all
sizes are numbers here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kvcheck.solve.bits import FALSE, TRUE, Circuit, Wire, Word, inverse
from kvcheck.solve.bits_state import BitCell, BitQueue, BitSet, BitState, chosen_cell
from kvspec.lang.ir import (
    Apply,
    At,
    Domain,
    Expr,
    Has,
    Len,
    Literal,
    Local,
    Operator,
    Places,
    Quantified,
    QuantifierKind,
    Read,
    ReadConstant,
    SizeOf,
    Variable,
)
from kvspec.lang.types import FifoType, ScalarType, SetType, value_count


class BitReading:
    """Reads expressions over one state, with values for the locals."""

    def __init__(self, circuit: Circuit, state: BitState, env: Mapping[str, Word]) -> None:
        self.circuit, self.state, self.env = circuit, state, env

    def wire(self, expr: Expr) -> Wire:
        """The wire of a bool expression."""
        return self.circuit.truth(self.word(expr))

    def word(self, expr: Expr) -> Word:
        """The word of any expression."""
        match expr:
            case Literal(value=value) | SizeOf(value=value):
                return Word(value)
            case Local(name=name):
                return self.env[name]
            case Read(variable=variable, index=index):
                cell = self.cell(variable, index)
                assert isinstance(cell, Word)
                return cell
            case ReadConstant(constant=constant, index=index):
                found = Word(constant.type.low)
                for where, row in self.rows(constant.dims, index):
                    found = self.circuit.select(where, Word(constant.table[row]), found)
                return found
            case Len(variable=variable, index=index):
                return self._count(members_of(self.cell(variable, index)))
            case At():
                return self._at(expr)
            case Has(variable=variable, index=index, element=element):
                return self._has(variable, self.cell(variable, index), self.word(element))
            case Apply():
                return self._apply(expr.operator, expr.operands)
            case Quantified():
                return self._quantified(expr)

    def rows(self, dims: Sequence[ScalarType], index: Sequence[Expr]) -> list[tuple[Wire, int]]:
        """Each row that an index may select, and when it does."""
        found = [(TRUE, 0)]
        for dim, expr in zip(dims, index, strict=True):
            word = self.word(expr)
            found = [
                (both, row * value_count(dim) + value - dim.low)
                for where, row in found
                for value in range(dim.low, dim.high + 1)
                if (both := self.circuit.both(where, self.circuit.is_value(word, value))) != FALSE
            ]
        return found

    def cell(self, variable: Variable, index: Sequence[Expr]) -> BitCell:
        """The cell that an index selects."""
        cells = self.state[variable.name]
        rows = self.rows(variable.dims, index)
        found = cells[rows[0][1]]
        for where, row in rows[1:]:
            found = chosen_cell(self.circuit, where, cells[row], found)
        return found

    def _count(self, wires: Sequence[Wire]) -> Word:
        words = [Word(0, (wire,)) if wire > TRUE else Word(wire) for wire in wires] or [Word(0)]
        while len(words) > 1:
            rest = words[len(words) // 2 * 2 :]
            pairs = zip(words[::2], words[1::2], strict=False)
            words = [self.circuit.add(a, b) for a, b in pairs] + rest
        return words[0]

    def _at(self, expr: At) -> Word:
        cell, place = self.cell(expr.variable, expr.index), self.word(expr.place)
        leaf = expr.variable.leaf
        assert isinstance(cell, BitQueue)
        assert isinstance(leaf, FifoType)
        field = [name for name, _ in leaf.fields].index(expr.field)
        found = Word(expr.type.low)
        for number, fields in enumerate(cell.places):
            here = self.circuit.both(cell.used[number], self.circuit.is_value(place, number))
            found = self.circuit.select(here, fields[field], found)
        return found

    def _has(self, variable: Variable, cell: BitCell, element: Word) -> Word:
        if isinstance(cell, BitSet):
            assert isinstance(variable.leaf, SetType)
            low = variable.leaf.element.low
            wires = [
                self.circuit.both(member, self.circuit.is_value(element, low + k))
                for k, member in enumerate(cell.members)
            ]
        else:
            wires = self.hits(cell, element)
        return Word(0, (self.circuit.any(wires),))

    def hits(self, cell: BitCell, element: Word) -> list[Wire]:
        """At which places of a queue of scalars the element stands."""
        assert isinstance(cell, BitQueue)
        return [
            self.circuit.both(used, self.circuit.same(fields[0], element))
            for used, fields in zip(cell.used, cell.places, strict=True)
        ]

    def _apply(self, operator: Operator, operands: tuple[Expr, ...]) -> Word:
        circuit = self.circuit
        if operator in (Operator.AND, Operator.OR):
            wires = [self.wire(x) for x in operands]
            joined = circuit.all(wires) if operator is Operator.AND else circuit.any(wires)
            return Word(0, (joined,))
        if operator is Operator.NOT:
            return Word(0, (inverse(self.wire(operands[0])),))
        words = [self.word(x) for x in operands]
        match operator:
            case Operator.ITE:
                return circuit.select(circuit.truth(words[0]), words[1], words[2])
            case Operator.EQ:
                return Word(0, (circuit.same(words[0], words[1]),))
            case Operator.LT:
                difference = circuit.add(words[0], circuit.minus(words[1]))
                return Word(0, (circuit.is_negative(difference),))
            case Operator.LE:
                less = circuit.is_negative(circuit.add(words[1], circuit.minus(words[0])))
                return Word(0, (inverse(less),))
            case Operator.ADD:
                return circuit.add(words[0], words[1])
            case _:
                return circuit.add(words[0], circuit.minus(words[1]))

    def candidates(self, domain: Domain) -> Iterator[tuple[Wire, Word]]:
        """The values a bound variable may take, and when it does."""
        if isinstance(domain, Places):
            cell = self.cell(domain.variable, domain.index)
            assert isinstance(cell, BitQueue)
            for place, used in enumerate(cell.used):
                yield used, Word(place)
        else:
            for value in range(domain.type.low, domain.type.high + 1):
                yield TRUE, Word(value)

    def _quantified(self, expr: Quantified) -> Word:
        circuit, parts = self.circuit, []
        for inside, value in self.candidates(expr.domain):
            inner = BitReading(circuit, self.state, {**self.env, expr.bound.name: value})
            parts.append((inside, value, inner.word(expr.body)))
        match expr.kind:
            case QuantifierKind.SUM | QuantifierKind.COUNT:
                total = Word(0)
                for inside, _, body in parts:
                    total = circuit.add(total, circuit.select(inside, body, Word(0)))
                return total
            case QuantifierKind.FIRST:
                found = Word(expr.type.low)
                for inside, value, body in reversed(parts):
                    here = circuit.both(inside, circuit.truth(body))
                    found = circuit.select(here, value, found)
                return found
        if expr.kind is QuantifierKind.ALL:
            wires = [circuit.either(inverse(inside), circuit.truth(b)) for inside, _, b in parts]
            return Word(0, (circuit.all(wires),))
        wires = [circuit.both(inside, circuit.truth(body)) for inside, _, body in parts]
        return Word(0, (circuit.any(wires),))


def members_of(cell: BitCell) -> tuple[Wire, ...]:
    """A wire for each element that the cell may hold."""
    assert not isinstance(cell, Word)
    return cell.members if isinstance(cell, BitSet) else cell.used
