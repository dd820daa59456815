"""What an expression of a spec can stand for while it is traced.

It decides the vocabulary between source text and IR: most values are IR expressions, the rest are
things that have no cell of their own (a whole map, a queue, a record, a class, a helper method).
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from kvspec.lang.declarations import FifoShape, MapShape, RecordShape
from kvspec.lang.ir import (
    Apply,
    At,
    Constant,
    Expr,
    Has,
    Len,
    Literal,
    Local,
    Operator,
    Quantified,
    Read,
    ReadConstant,
    SizeOf,
    Variable,
)
from kvspec.lang.sorts import Record, Sort
from kvspec.lang.types import (
    BoolType,
    EnumType,
    IntType,
    ScalarType,
    SetType,
    SizeTerm,
    SortType,
)


@dataclass(frozen=True, slots=True)
class Table:
    """A map that still lacks an index; `constant` if its cells are."""

    name: str
    shape: MapShape
    index: tuple[Expr, ...]
    constant: Constant | None


@dataclass(frozen=True, slots=True)
class Queue:
    """One FIFO of the state."""

    variable: Variable
    shape: FifoShape
    index: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Members:
    """One set of the state."""

    variable: Variable
    element: ScalarType
    index: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A record: one expression a field."""

    shape: RecordShape
    fields: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """A class of the spec: a sort, an enum or a record."""

    owner: type[Sort] | type[enum.Enum] | type[Record]


@dataclass(frozen=True, slots=True)
class Helper:
    """A method of the machine, to be inlined, and the class that defines it."""

    name: str
    function: Callable[..., object]
    owner: type = object


@dataclass(frozen=True, slots=True)
class Text:
    """A string constant: a label or a message."""

    text: str


@dataclass(frozen=True, slots=True)
class Several:
    """A tuple of values, for `a, b = ...` and for comparing pairs."""

    items: tuple[Value, ...]


class Itself(enum.Enum):
    """`self`, and a name whose value depends on the branch that ran."""

    SELF = "self"
    UNDECIDED = "undecided"


Value: TypeAlias = (
    Expr | Table | Queue | Members | Group | Kind | Helper | Text | Several | Itself | None
)

EXPRESSIONS = (
    Literal, SizeOf, Local, Read, ReadConstant, Len, At, Has, Apply, Quantified,
)  # fmt: skip
BOOL = BoolType()
TRUE = Literal(1, BOOL)
FALSE = Literal(0, BOOL)


def is_expression(value: Value) -> bool:
    """Whether a value is an IR expression."""
    return isinstance(value, EXPRESSIONS)


def both(*parts: Expr) -> Expr:
    """Conjunction, flattened; of nothing, true."""
    flat: list[Expr] = []
    for part in parts:
        if isinstance(part, Apply) and part.operator is Operator.AND:
            flat.extend(part.operands)
        elif part != TRUE:
            flat.append(part)
    if not flat:
        return TRUE
    return flat[0] if len(flat) == 1 else Apply(Operator.AND, tuple(flat), BOOL)


def either(*parts: Expr) -> Expr:
    """Disjunction; of nothing, false."""
    if not parts:
        return FALSE
    return parts[0] if len(parts) == 1 else Apply(Operator.OR, parts, BOOL)


def negated(part: Expr) -> Expr:
    """Negation; a double one cancels."""
    if isinstance(part, Apply) and part.operator is Operator.NOT:
        return part.operands[0]
    return Apply(Operator.NOT, (part,), BOOL)


def choice(condition: Expr, yes: Expr, no: Expr) -> Expr:
    """One of two values of one kind."""
    return Apply(Operator.ITE, (condition, yes, no), hull(yes.type, no.type))


def whole(number: int) -> Literal:
    """An integer written in the spec."""
    return Literal(number, IntType(number, number))


def _shifted(kind: ScalarType, by: int) -> SizeTerm | None:
    assert isinstance(kind, IntType)
    term = kind.high_term
    return SizeTerm(term.size, term.offset + by, term.value + by) if term else None


def plus(left: Expr, right: Expr) -> Expr:
    """The sum; adding a literal keeps track of the size that bounds the other side."""
    a, b = left.type, right.type
    term = None
    if isinstance(right, Literal):
        term = _shifted(a, right.value)
    elif isinstance(left, Literal):
        term = _shifted(b, left.value)
    return Apply(Operator.ADD, (left, right), IntType(a.low + b.low, a.high + b.high, None, term))


def minus(left: Expr, right: Expr) -> Expr:
    """The difference; of two literals, the literal."""
    if isinstance(left, Literal) and isinstance(right, Literal):
        return whole(left.value - right.value)
    a, b = left.type, right.type
    term = _shifted(a, -right.value) if isinstance(right, Literal) else None
    kind = IntType(a.low - b.high, a.high - b.low, None, term)
    return Apply(Operator.SUB, (left, right), kind)


def hull(left: ScalarType, right: ScalarType) -> ScalarType:
    """The least type that has the values of both; they are of one kind."""
    if isinstance(left, IntType) and isinstance(right, IntType) and left != right:
        low_term = left.low_term if left.low <= right.low else right.low_term
        high = left if left.high >= right.high else right
        open_ended = left.high_term != right.high_term
        if open_ended and not (left.high_term is None or right.high_term is None):
            return IntType(min(left.low, right.low), high.high)
        return IntType(min(left.low, right.low), high.high, low_term, high.high_term)
    return left


def same_kind(left: ScalarType, right: ScalarType) -> bool:
    """Whether values of the two types may be compared or assigned to each other."""
    match left, right:
        case (BoolType(), BoolType()) | (IntType(), IntType()):
            return True
        case (EnumType(), EnumType()) | (SortType(), SortType()):
            return left == right
    return False


def kind_name(value: Value) -> str:
    """What a value is, in words, for error messages."""
    match value:
        case Table(name=name):
            return f"the map {name}"
        case Queue(variable=variable):
            return f"the queue {variable.name}"
        case Members(variable=variable):
            return f"the set {variable.name}"
        case Group(shape=shape):
            return f"a {shape.type.name} record"
        case Kind(owner=owner):
            return f"the class {owner.__name__}"
        case Helper(name=name):
            return f"the method {name}"
        case Text():
            return "a string"
        case Several():
            return "a tuple"
        case Itself() | None:
            return "no value"
    return type_name(value.type)


def type_name(scalar: ScalarType) -> str:
    """A scalar type in words."""
    match scalar:
        case BoolType():
            return "a bool"
        case IntType():
            return "an int"
        case EnumType(name=name) | SortType(name=name):
            return f"a {name}"


def can_differ(value: ScalarType, leaf: ScalarType) -> tuple[bool, bool]:
    """Whether a value may lie below, or above, what a cell holds, at this size or another one."""
    if not isinstance(value, IntType) or not isinstance(leaf, IntType):
        return False, False
    return value.low < leaf.low, _may_exceed(value, leaf)


def _may_exceed(value: IntType, leaf: IntType) -> bool:
    here, there = value.high_term, leaf.high_term
    if here is None and there is None:
        return value.high > leaf.high
    if here is not None and there is not None and here.size == there.size:
        return here.offset > there.offset
    return not (here is None and there is not None and value.high <= there.offset)


def set_type(members: Members) -> SetType:
    """The IR type of a set value."""
    leaf = members.variable.leaf
    assert isinstance(leaf, SetType)
    return leaf
