"""A machine's state as wires: scalars as words, sets bit by bit, queues as arrays that shift.

It decides how rows and cells lie in wires and change; expressions and statements are read
elsewhere. A queue's places fill from the first, and a place that is empty holds only zeros, so
that a state has one encoding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from kvcheck.solve.bits import FALSE, TRUE, Circuit, Wire, Word, inverse
from kvspec.lang.ir import Model, Variable
from kvspec.lang.state import Row, State
from kvspec.lang.types import FifoType, ScalarType, SetType, value_count


@dataclass(frozen=True, slots=True)
class BitSet:
    """Whether each value, from the least on, is in the set."""

    members: tuple[Wire, ...]


@dataclass(frozen=True, slots=True)
class BitQueue:
    """`used[k]`: whether place k holds an element; `places[k]`: its fields."""

    used: tuple[Wire, ...]
    places: tuple[tuple[Word, ...], ...]


BitCell: TypeAlias = Word | BitSet | BitQueue
BitState: TypeAlias = Mapping[str, tuple[BitCell, ...]]


def width_of(scalar: ScalarType) -> int:
    """How many bits the type's values need."""
    return (value_count(scalar) - 1).bit_length()


def state_from(model: Model, new_wire: Callable[[str], Wire]) -> BitState:
    """A state whose wires are made one by one; each is told the cell it belongs to."""
    return {
        variable.name: tuple(
            _cell_from(variable, lambda row=row, v=variable: new_wire(f"{v.name}.{row}"))  # type: ignore[misc]
            for row in range(variable.row_count)
        )
        for variable in model.variables
    }


def _cell_from(variable: Variable, wire: Callable[[], Wire]) -> BitCell:
    leaf = variable.leaf
    if isinstance(leaf, SetType):
        return BitSet(tuple(wire() for _ in range(value_count(leaf.element))))
    if not isinstance(leaf, FifoType):
        return _word_from(leaf, wire)
    used = tuple(wire() for _ in range(leaf.capacity))
    places = tuple(
        tuple(_word_from(kind, wire) for _, kind in leaf.fields) for _ in range(leaf.capacity)
    )
    return BitQueue(used, places)


def _word_from(scalar: ScalarType, wire: Callable[[], Wire]) -> Word:
    return Word(scalar.low, tuple(wire() for _ in range(width_of(scalar))))


def wires_of(cell: BitCell) -> Iterator[Wire]:
    """The wires of a cell, in the order in which `state_from` makes them."""
    match cell:
        case Word(bits=bits):
            yield from bits
        case BitSet(members=members):
            yield from members
        case BitQueue(used=used, places=places):
            yield from used
            for fields in places:
                for word in fields:
                    yield from word.bits


def state_wires(state: BitState) -> list[Wire]:
    """Every wire of a state, in the order in which `state_from` makes them."""
    return [wire for cells in state.values() for cell in cells for wire in wires_of(cell)]


def row_bits(variable: Variable, row: Row) -> list[bool]:
    """The wires' values for a concrete row."""
    leaf = variable.leaf
    if isinstance(leaf, SetType):
        assert isinstance(row, int)
        return [bool(row >> k & 1) for k in range(value_count(leaf.element))]
    if not isinstance(leaf, FifoType):
        assert isinstance(row, int)
        return _value_bits(leaf, row)
    assert isinstance(row, tuple)
    found = [place < len(row) for place in range(leaf.capacity)]
    for place in range(leaf.capacity):
        item = row[place] if place < len(row) else None
        fields = item if isinstance(item, tuple) else (item,) * len(leaf.fields)
        for (_, kind), value in zip(leaf.fields, fields, strict=True):
            found += _value_bits(kind, kind.low if value is None else value)
    return found


def _value_bits(scalar: ScalarType, value: int) -> list[bool]:
    return [bool((value - scalar.low) >> k & 1) for k in range(width_of(scalar))]


def state_bits(model: Model, state: State) -> list[bool]:
    """The values of every wire for a concrete state."""
    return [
        bit
        for variable, rows in zip(model.variables, state, strict=True)
        for row in rows
        for bit in row_bits(variable, row)
    ]


# ---- choosing and changing cells ---------------------------------------------------------------


def chosen_cell(circuit: Circuit, condition: Wire, yes: BitCell, no: BitCell) -> BitCell:
    """`yes` where the condition holds, else `no`; both of one shape."""
    if yes is no:
        return yes
    if isinstance(yes, Word) and isinstance(no, Word):
        return circuit.fitted(circuit.select(condition, yes, no), no.low, len(no.bits))
    if isinstance(yes, BitSet) and isinstance(no, BitSet):
        return BitSet(_chosen(circuit, condition, yes.members, no.members))
    assert isinstance(yes, BitQueue)
    assert isinstance(no, BitQueue)
    used = _chosen(circuit, condition, yes.used, no.used)
    places = tuple(
        _chosen_fields(circuit, condition, a, b) for a, b in zip(yes.places, no.places, strict=True)
    )
    return BitQueue(used, places)


def _chosen(
    circuit: Circuit, condition: Wire, yes: Sequence[Wire], no: Sequence[Wire]
) -> tuple[Wire, ...]:
    return tuple(circuit.choice(condition, a, b) for a, b in zip(yes, no, strict=True))


def _chosen_fields(
    circuit: Circuit, condition: Wire, yes: Sequence[Word], no: Sequence[Word]
) -> tuple[Word, ...]:
    pairs = zip(yes, no, strict=True)
    return tuple(Word(b.low, _chosen(circuit, condition, a.bits, b.bits)) for a, b in pairs)


def pushed(circuit: Circuit, queue: BitQueue, fields: Sequence[Word]) -> BitQueue:
    """The queue with an element at its first empty place; full, it stays as it is."""
    used, places, before = [], [], TRUE
    for is_used, old in zip(queue.used, queue.places, strict=True):
        here = circuit.both(before, inverse(is_used))
        fitted = [circuit.fitted(f, o.low, len(o.bits)) for f, o in zip(fields, old, strict=True)]
        places.append(_chosen_fields(circuit, here, fitted, old))
        used.append(circuit.either(is_used, here))
        before = is_used
    return BitQueue(tuple(used), tuple(places))


def closed_up(circuit: Circuit, queue: BitQueue, gone: Sequence[Wire]) -> BitQueue:
    """The queue without the place at which `gone` is true; those behind it move up by one."""
    used, places, passed = [], [], FALSE
    empty = tuple(Word(w.low, (FALSE,) * len(w.bits)) for w in queue.places[0])
    for place, is_gone in enumerate(gone):
        passed = circuit.either(passed, is_gone)
        last = place + 1 == len(gone)
        next_used, behind = (
            (FALSE, empty) if last else (queue.used[place + 1], queue.places[place + 1])
        )
        used.append(circuit.choice(passed, next_used, queue.used[place]))
        places.append(_chosen_fields(circuit, passed, behind, queue.places[place]))
    return BitQueue(tuple(used), tuple(places))
