"""A symbolic state at every size: one function of the index for each part of each variable.

It represents states and single writes; it evaluates no expression. A unique FIFO or a set is
membership and a count; the FIFO's order is a ticket for each member, the oldest with the least,
and the next ticket to give. Any other FIFO is its fields by absolute position, from head to tail.
A write is a new function that differs from the old one at one index.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

import z3  # type: ignore[import-untyped]

from kvcheck.solve.every_size_terms import (
    NoEverySizeMeaning,
    Term,
    Vocabulary,
    choice,
    conjunction,
    equality,
    for_all,
    implication,
)
from kvspec.lang.ir import BOOL, Variable
from kvspec.lang.types import FifoType, IntType, ScalarType, SetType

VALUE = ""
HAS, TICKET, NEXT, COUNT = "has", "ticket", "next", "count"
HEAD, TAIL, AT = "head", "tail", "at."
ANY_INT = IntType(0, 0)  # stands for `Int` in a signature; its bounds are not used

Index: TypeAlias = tuple[Term, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Cells:
    """A function from an index to a term; the same index gives the same term, built once."""

    at: Callable[[Index], Term]
    known: dict[tuple[int, ...], tuple[Index, Term]] = field(default_factory=dict)

    def __call__(self, *index: Term) -> Term:
        key = tuple(term.get_id() for term in index)
        if key not in self.known:
            self.known[key] = (index, self.at(index))  # the index is kept so that its ids stay its
        return self.known[key][1]

    def written(self, index: Sequence[Term], value: Term) -> Cells:
        """The same but for `value` at `index`."""

        def at(asked: Index) -> Term:
            same = conjunction(equality(a, b) for a, b in zip(asked, index, strict=True))
            return value if z3.is_true(same) else choice(same, value, self(*asked))

        return Cells(at)

    def rewritten(self, prefix: Sequence[Term], value: Callable[[Index], Term]) -> Cells:
        """The same but for `value` of the index wherever that begins with `prefix`."""

        def at(asked: Index) -> Term:
            same = conjunction(equality(a, b) for a, b in zip(asked, prefix, strict=False))
            return value(asked) if z3.is_true(same) else choice(same, value(asked), self(*asked))

        return Cells(at)

    def merged(self, condition: Term, other: Cells) -> Cells:
        """These cells where the condition holds, else the other's."""
        return Cells(lambda asked: choice(condition, self(*asked), other(*asked)))


Part: TypeAlias = tuple[str, str]  # a variable's name and which part of it
SymbolicState: TypeAlias = Mapping[Part, Cells]


def parts_of(variable: Variable) -> tuple[tuple[str, tuple[ScalarType, ...], ScalarType], ...]:
    """The parts of a variable: each with the index types it adds and its value's type."""
    leaf = variable.leaf
    if isinstance(leaf, SetType):
        return ((HAS, (leaf.element,), BOOL), (COUNT, (), ANY_INT))
    if not isinstance(leaf, FifoType):
        return ((VALUE, (), leaf),)
    if leaf.unique:
        element = element_of(variable)
        member = ((HAS, (element,), BOOL), (TICKET, (element,), ANY_INT))
        return (*member, (NEXT, (), ANY_INT), (COUNT, (), ANY_INT))
    fields = tuple((AT + name, (ANY_INT,), scalar) for name, scalar in leaf.fields)
    return (*fields, (HEAD, (), ANY_INT), (TAIL, (), ANY_INT))


def element_of(variable: Variable) -> ScalarType:
    """The type of the members of a set or of a FIFO of scalars."""
    leaf = variable.leaf
    if isinstance(leaf, SetType):
        return leaf.element
    assert isinstance(leaf, FifoType)
    return leaf.fields[0][1]


def is_counted(variable: Variable) -> bool:
    """Whether the variable is kept as membership and a count."""
    return isinstance(variable.leaf, SetType) or (
        isinstance(variable.leaf, FifoType) and variable.leaf.unique
    )


def arbitrary_state(words: Vocabulary) -> SymbolicState:
    """A state of which nothing is known; `type_facts` says what its types tell.

    The prefix keeps the spec's names apart from parameters and from bound symbols.
    """
    cells: dict[Part, Cells] = {}
    for variable in words.model.variables:
        for part, extra, value in parts_of(variable):
            name = f"state.{variable.name}" + (f".{part}" if part else "")
            cells[variable.name, part] = _symbols(words, name, (*variable.dims, *extra), value)
    return MappingProxyType(cells)


def _symbols(words: Vocabulary, name: str, dims: Sequence[ScalarType], value: ScalarType) -> Cells:
    result = words.sort_of(value)
    if not dims:
        symbol = z3.Const(name, result)
        return Cells(lambda _: symbol)
    function = z3.Function(name, *[words.sort_of(dim) for dim in dims], result)
    return Cells(lambda index: function(*index))


def blank_state(words: Vocabulary) -> SymbolicState:
    """The state that `init` starts from: blank values, empty queues and sets."""
    cells: dict[Part, Cells] = {}
    for variable in words.model.variables:
        for part, _, value in parts_of(variable):
            blank = z3.IntVal(0) if value is ANY_INT else words.blank(value)
            cells[variable.name, part] = Cells(lambda _, blank=blank: blank)  # type: ignore[misc]
    return MappingProxyType(cells)


def capacity(words: Vocabulary, variable: Variable) -> Term:
    """The most elements that one cell of the variable can hold."""
    leaf = variable.leaf
    if is_counted(variable):
        element = element_of(variable)
        if words.is_open(element):
            return words.size(str(words.sort_of(element)))
        low, high = words.bounds(element)
        return high - low + 1
    assert isinstance(leaf, FifoType)
    bounds = IntType(0, leaf.capacity, None, leaf.capacity_term)
    return words.bounds(bounds)[1]


def type_facts(words: Vocabulary, state: SymbolicState, variable: Variable) -> Term:
    """What the variable's type says of every cell of it (docs/every-size.md, "Types")."""

    def fact(index: Index) -> Term:
        return cell_facts(words, state, variable, index)

    return words.over_index(variable.dims, fact)


def cell_facts(words: Vocabulary, state: SymbolicState, variable: Variable, index: Index) -> Term:
    """What the variable's type says of one cell."""
    leaf, name = variable.leaf, variable.name
    if is_counted(variable):
        return counted_facts(words, state, variable, index)
    if not isinstance(leaf, FifoType):
        assert not isinstance(leaf, SetType)
        return words.in_type(leaf, state[name, VALUE](*index))
    head, tail = state[name, HEAD](*index), state[name, TAIL](*index)
    place = z3.Int("place")
    inside = z3.And(head <= place, place < tail)
    fields = [
        for_all(
            [place],
            implication(inside, words.in_type(kind, state[name, AT + part](*index, place))),
        )
        for part, kind in leaf.fields
        if not z3.is_true(words.in_type(kind, words.blank(kind)))
    ]
    length = tail - head
    return conjunction([head <= tail, length <= capacity(words, variable), *fields])


def counted_facts(
    words: Vocabulary, state: SymbolicState, variable: Variable, index: Index
) -> Term:
    """Membership, count and order of one cell: theorems about finite sets and queues.

    A member makes the count positive and a positive count has a member; one outside keeps it below
    the number of all values and below it there is one outside; tickets are distinct and below the
    next one.
    """
    name, element = variable.name, element_of(variable)
    x, y = (z3.Const(letter, words.sort_of(element)) for letter in "xy")
    has = state[name, HAS]
    count, most = state[name, COUNT](*index), capacity(words, variable)
    x_in, y_in = has(*index, x), has(*index, y)
    valid = words.in_type(element, x)
    facts = [
        count >= 0,
        count <= most,
        for_all([x], implication(x_in, count > 0)),
        implication(count > 0, z3.Exists([x], x_in)),
        for_all([x], implication(z3.And(valid, z3.Not(x_in)), count < most)),
        implication(count < most, z3.Exists([x], z3.And(valid, z3.Not(x_in)))),
    ]
    if not z3.is_true(valid):
        facts.append(for_all([x], implication(x_in, valid)))
    if isinstance(variable.leaf, FifoType):
        ticket, upcoming = state[name, TICKET], state[name, NEXT](*index)
        mine, other = ticket(*index, x), ticket(*index, y)
        facts += [
            for_all([x], implication(x_in, mine < upcoming)),
            for_all([x, y], implication(z3.And(x_in, y_in, mine == other), x == y)),
        ]
    return conjunction(facts)


# ---- writes ------------------------------------------------------------------------------------


def replaced(state: SymbolicState, changed: Mapping[Part, Cells]) -> SymbolicState:
    """The state with some parts replaced."""
    return MappingProxyType({**state, **changed})


def assigned(state: SymbolicState, variable: Variable, index: Index, value: Term) -> SymbolicState:
    """The state after a scalar cell was set."""
    part = (variable.name, VALUE)
    return replaced(state, {part: state[part].written(index, value)})


def pushed(
    state: SymbolicState, variable: Variable, index: Index, fields: Sequence[Term]
) -> SymbolicState:
    """The state after an element was appended."""
    name, leaf = variable.name, variable.leaf
    if is_counted(variable):
        ticket, upcoming = state[name, TICKET], state[name, NEXT]
        given = upcoming(*index)
        queued = member_set(state, variable, index, fields[0], z3.BoolVal(True))
        return replaced(
            queued,
            {
                (name, TICKET): ticket.written((*index, fields[0]), given),
                (name, NEXT): upcoming.written(index, given + 1),
            },
        )
    assert isinstance(leaf, FifoType)
    tail = state[name, TAIL](*index)
    changed = {
        (name, AT + part): state[name, AT + part].written((*index, tail), value)
        for (part, _), value in zip(leaf.fields, fields, strict=True)
    }
    changed[name, TAIL] = state[name, TAIL].written(index, tail + 1)
    return replaced(state, changed)


def popped(
    state: SymbolicState, variable: Variable, index: Index, front: Term | None
) -> SymbolicState:
    """The state after the oldest element was dropped; `front` names it in a unique FIFO."""
    if is_counted(variable):
        if front is None:
            raise NoEverySizeMeaning(f"pop of {variable.name} without its front")
        return member_set(state, variable, index, front, z3.BoolVal(False))
    part = (variable.name, HEAD)
    return replaced(state, {part: state[part].written(index, state[part](*index) + 1)})


def member_set(
    state: SymbolicState, variable: Variable, index: Index, element: Term, present: Term
) -> SymbolicState:
    """The state after an element was put into a set or FIFO, or taken out of it."""
    name = variable.name
    has, count = state[name, HAS], state[name, COUNT]
    before = has(*index, element)
    as_number = [z3.If(bit, z3.IntVal(1), z3.IntVal(0)) for bit in (present, before)]
    new_count = count(*index) + (z3.simplify(as_number[0]) - z3.simplify(as_number[1]))
    return replaced(
        state,
        {
            (name, HAS): has.written((*index, element), present),
            (name, COUNT): count.written(index, new_count),
        },
    )
