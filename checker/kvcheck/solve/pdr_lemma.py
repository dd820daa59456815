"""ABC's invariant over wires as a lemma of the spec, which any engine can check and a person read.

It translates; whether the lemma holds is checked by others. Each memory wire is a fact about one
cell of the state, so a cube of wires is a conjunction of such facts, and the invariant says that
none of the cubes ever holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kvcheck.solve.bits_machine import Memory
from kvcheck.solve.bits_state import width_of
from kvspec.lang.ir import (
    BOOL,
    Apply,
    At,
    Expr,
    Has,
    Len,
    Literal,
    Model,
    Operator,
    Position,
    Property,
    PropertyKind,
    Read,
    Variable,
)
from kvspec.lang.state import row_indices
from kvspec.lang.types import BoolType, FifoType, IntType, ScalarType, SetType, value_count


def wire_facts(model: Model) -> list[Expr]:
    """What each wire of a state says, in the order of `bits_state.state_wires`."""
    found: list[Expr] = []
    for variable in model.variables:
        for values in row_indices(variable.dims):
            pairs = zip(values, variable.dims, strict=True)
            index = tuple(Literal(value, dim) for value, dim in pairs)
            found += _cell_facts(variable, index)
    return found


def _cell_facts(variable: Variable, index: tuple[Expr, ...]) -> Iterator[Expr]:
    leaf = variable.leaf
    if isinstance(leaf, SetType):
        kind = leaf.element
        for k in range(value_count(kind)):
            yield Has(variable, index, Literal(kind.low + k, kind))
    elif isinstance(leaf, FifoType):
        for place in range(leaf.capacity):
            at = Literal(place, IntType(place, place))
            yield Apply(Operator.LT, (at, Len(variable, index)), BOOL)
        for place in range(leaf.capacity):
            at = Literal(place, IntType(place, place))
            for name, kind in leaf.fields:
                yield from _bit_facts(At(variable, index, at, name), kind)
    else:
        yield from _bit_facts(Read(variable, index), leaf)


def _bit_facts(value: Expr, kind: ScalarType) -> Iterator[Expr]:
    if isinstance(kind, BoolType):
        yield value
        return
    for bit in range(width_of(kind)):
        equal = [
            Apply(Operator.EQ, (value, Literal(kind.low + n, kind)), BOOL)
            for n in range(value_count(kind))
            if n >> bit & 1
        ]
        yield equal[0] if len(equal) == 1 else Apply(Operator.OR, tuple(equal), BOOL)


def lemma_of(
    model: Model, memory: Sequence[Memory], cubes: Sequence[Mapping[int, bool]], at: Position
) -> Property:
    """The invariant that excludes the cubes, as a lemma about states."""
    facts = wire_facts(model)
    clauses = []
    for cube in cubes:
        literals = [_literal(facts, memory, number, value) for number, value in cube.items()]
        if None not in literals:
            known = tuple(literal for literal in literals if literal not in (None, TRUTH))
            clauses.append(_negated(Apply(Operator.AND, known, BOOL)))
    formula = Apply(Operator.AND, tuple(clauses), BOOL)
    sentence = f"Found by PDR at one size: none of {len(clauses)} partial states is ever reached."
    return Property("found_by_pdr", PropertyKind.LEMMA, formula, sentence, at)


TRUTH = Literal(1, BOOL)


def _literal(
    facts: Sequence[Expr], memory: Sequence[Memory], number: int, value: bool
) -> Expr | None:
    """What the memory wire's value says of a state; None where that is no state of a run."""
    if number == len(facts):  # the wire `began`: true of every state of a run
        return TRUTH if value else None
    is_true = value != memory[number].starts
    return facts[number] if is_true else _negated(facts[number])


def _negated(expr: Expr) -> Expr:
    return Apply(Operator.NOT, (expr,), BOOL)
