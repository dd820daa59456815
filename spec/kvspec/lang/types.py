"""The types of state, parameters and expressions, with every size already a number.

Not the surface a spec author writes (that is `surface`): these are what the surface means for one
instance. Every scalar value is an `int`: a bool is 0 or 1, an enum member its position, an element
of a sort its position; `low` and `high` bound it. Records are not scalars: a record exists only as
the element of a FIFO, or spread over one variable a field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class SizeTerm:
    """A bound that is a named size of the instance plus an offset: `value` = size + offset."""

    size: str
    offset: int
    value: int


@dataclass(frozen=True, slots=True)
class BoolType:
    """Two values, 0 and 1."""

    @property
    def low(self) -> int:
        return 0

    @property
    def high(self) -> int:
        return 1


@dataclass(frozen=True, slots=True)
class IntType:
    """Integers from `low` to `high`, both included; a `SizeTerm` tells where a bound came from."""

    low: int
    high: int
    low_term: SizeTerm | None = None
    high_term: SizeTerm | None = None


@dataclass(frozen=True, slots=True)
class EnumType:
    """Named alternatives in declaration order."""

    name: str
    members: tuple[str, ...]

    @property
    def low(self) -> int:
        return 0

    @property
    def high(self) -> int:
        return len(self.members) - 1


@dataclass(frozen=True, slots=True)
class SortType:
    """`size` ids of one kind, of which a spec knows nothing but equality and iteration order."""

    name: str
    size: int

    @property
    def low(self) -> int:
        return 0

    @property
    def high(self) -> int:
        return self.size - 1


ScalarType: TypeAlias = BoolType | IntType | EnumType | SortType


@dataclass(frozen=True, slots=True)
class RecordType:
    """Named scalar fields, in declaration order."""

    name: str
    fields: tuple[tuple[str, ScalarType], ...]


@dataclass(frozen=True, slots=True)
class FifoType:
    """A queue, oldest first, of at most `capacity` elements; `unique`: each element at most once.

    `capacity_term` names the size it came from. A unique FIFO holds scalars of one sort and its
    capacity is the size of that sort.
    """

    element: ScalarType | RecordType
    capacity: int
    unique: bool
    capacity_term: SizeTerm | None = None

    @property
    def fields(self) -> tuple[tuple[str, ScalarType], ...]:
        """The element's fields; a scalar element is one field with the empty name."""
        if isinstance(self.element, RecordType):
            return self.element.fields
        return (("", self.element),)


@dataclass(frozen=True, slots=True)
class SetType:
    """A set of values of one scalar type; a state holds it as a bit mask, bit k for `low + k`."""

    element: ScalarType


LeafType: TypeAlias = ScalarType | FifoType | SetType


def value_count(scalar: ScalarType) -> int:
    """How many values the type has."""
    return max(0, scalar.high - scalar.low + 1)


def render_value(scalar: ScalarType, value: int) -> str:
    """The value as a reader meets it: `true`, `7`, `PRIMARY`, `block2`."""
    match scalar:
        case BoolType():
            return "true" if value else "false"
        case IntType():
            return str(value)
        case EnumType(members=members):
            return members[value] if 0 <= value < len(members) else f"{scalar.name}?{value}"
        case SortType(name=name):
            return f"{name[0].lower()}{name[1:]}{value}"
