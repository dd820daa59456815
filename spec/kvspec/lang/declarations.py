"""What a machine's annotations declare, once the instance's sizes are known.

It decides the shape of the state (`Shape`) and which IR variables carry it; it reads no method.
A record that is not inside a FIFO is spread over one variable a field, named `variable__field`.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Annotated, Any, TypeAlias, get_args, get_origin, get_type_hints

from kvspec.lang import containers
from kvspec.lang.errors import SpecError
from kvspec.lang.ir import Constant, Position, Variable
from kvspec.lang.sorts import Bound, Capacity, GhostMark, Range, Record, Size, is_sort
from kvspec.lang.sources import Library
from kvspec.lang.types import (
    BoolType,
    EnumType,
    FifoType,
    IntType,
    RecordType,
    ScalarType,
    SetType,
    SizeTerm,
    SortType,
)

RecordClass: TypeAlias = type[Record]


@dataclass(frozen=True, slots=True)
class RecordShape:
    """A record's IR type and the class that an author constructs."""

    type: RecordType
    owner: RecordClass


@dataclass(frozen=True, slots=True)
class MapShape:
    """A map from a scalar to a shape; `constant`: no step changes it."""

    key: ScalarType
    value: Shape
    constant: bool = False


@dataclass(frozen=True, slots=True)
class FifoShape:
    """A FIFO, with the record class of its elements if they are records."""

    type: FifoType
    record: RecordShape | None


Shape: TypeAlias = ScalarType | RecordShape | MapShape | FifoShape | SetType


@dataclass(frozen=True, slots=True)
class Declaration:
    """One annotated attribute of a machine."""

    name: str
    shape: Shape
    ghost: bool
    at: Position


class Resolver:
    """Turns annotations into shapes for one choice of sizes; errors point at the annotation."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.sizes = sizes
        self.at: Position | None = None

    def scalar(self, hint: Any) -> ScalarType:  # Any: an annotation may be anything
        """The scalar type that an annotation means; raises SpecError for any other."""
        shape = self.shape(hint)
        if isinstance(shape, BoolType | IntType | EnumType | SortType):
            return shape
        raise self._refuse(
            f"{_spell(hint)} stands where one value is needed.",
            "Map keys, elements, record fields and parameters are single values.",
        )

    def shape(self, hint: Any) -> Shape:  # Any: an annotation may be anything
        """The shape that an annotation means."""
        origin, args = get_origin(hint), get_args(hint)
        if origin is Annotated:
            return self._annotated(args[0], args[1:])
        if hint is bool:
            return BoolType()
        if is_sort(hint):
            return SortType(hint.__name__, self.size(hint.__name__))
        if isinstance(hint, type) and issubclass(hint, enum.Enum):
            return EnumType(hint.__name__, tuple(m.name for m in hint))
        if isinstance(hint, type) and issubclass(hint, Record) and hint is not Record:
            return self._record(hint)
        if origin in (containers.Map, containers.Constant):
            value = self.shape(args[1])
            return MapShape(self.scalar(args[0]), value, origin is containers.Constant)
        if origin is containers.Set:
            return SetType(self.scalar(args[0]))
        if origin is containers.UniqueFifo:
            return self._unique_fifo(args[0])
        return self._no_shape(hint, origin)

    def _no_shape(self, hint: Any, origin: Any) -> Shape:
        if hint is int:
            raise self._refuse(
                "A plain `int` has no bounds.",
                "Every state must fit a fixed number of bits, so each int says its range.",
                "Write `Annotated[int, Range(low, high)]`.",
            )
        if origin is containers.Fifo:
            raise self._refuse(
                f"{_spell(hint)} has no capacity.",
                "A FIFO that may repeat elements can grow without end.",
                "Write `Annotated[Fifo[X], Capacity(n)]`, or UniqueFifo[X] for distinct ids.",
            )
        raise self._refuse(
            f"{_spell(hint)} is no type of the spec language.",
            "State is made of bool, bounded int, Enum, Sort, Record, Map, Fifo, UniqueFifo, Set.",
        )

    def _annotated(self, inner: Any, marks: Sequence[object]) -> Shape:
        for mark in marks:
            if isinstance(mark, Range) and inner is int:
                high, term = self.bound(mark.high, mark.plus)
                return IntType(mark.low, high, None, term)
            if isinstance(mark, Capacity) and get_origin(inner) is containers.Fifo:
                return self._fifo(get_args(inner)[0], mark)
        return self.shape(inner)

    def _fifo(self, element: Any, capacity: Capacity) -> FifoShape:
        limit, term = self.bound(capacity.limit, 0)
        shape = self.shape(element)
        if isinstance(shape, RecordShape):
            return FifoShape(FifoType(shape.type, limit, False, term), shape)
        return FifoShape(FifoType(self.scalar(element), limit, False, term), None)

    def _unique_fifo(self, element: Any) -> FifoShape:
        kind = self.scalar(element)
        if not isinstance(kind, SortType):
            raise self._refuse(
                f"UniqueFifo[{_spell(element)}] does not hold ids of a sort.",
                "Only ids can stand in a queue at most once each.",
                "Use Annotated[Fifo[X], Capacity(n)].",
            )
        return FifoShape(FifoType(kind, kind.size, True, SizeTerm(kind.name, 0, kind.size)), None)

    def _record(self, hint: type[Record]) -> RecordShape:
        hints = get_type_hints(hint, include_extras=True)
        assert is_dataclass(hint)
        named = tuple((f.name, self.scalar(hints[f.name])) for f in fields(hint))
        return RecordShape(RecordType(hint.__name__, named), hint)

    def size(self, name: str) -> int:
        """The instance's size of that name."""
        if name not in self.sizes:
            raise self._refuse(
                f"The instance gives no size for {name}.",
                f"It has {', '.join(sorted(self.sizes)) or 'none'}.",
                f"Add {name!r} to the sizes in `instance`.",
            )
        return self.sizes[name]

    def bound(self, bound: Bound, plus: int) -> tuple[int, SizeTerm | None]:
        """A bound's number, and where it came from if it is a size."""
        if isinstance(bound, Size):
            value = self.size(bound.name) + plus
            return value, SizeTerm(bound.name, plus, value)
        if isinstance(bound, int):
            return bound + plus, None
        value = self.size(bound.__name__) + plus
        return value, SizeTerm(bound.__name__, plus, value)

    def _refuse(self, what: str, cause: str, mend: str = "Change the annotation.") -> SpecError:
        return SpecError(what, cause=cause, mend=mend, at=self.at)


def _spell(hint: Any) -> str:
    return getattr(hint, "__name__", None) or str(hint).replace("kvspec.lang.containers.", "")


def declarations(machine: type, resolver: Resolver, library: Library) -> tuple[Declaration, ...]:
    """Every annotated attribute of a machine class and its bases, base classes first."""
    order = reversed(machine.__mro__)
    places = {name: at for owner in order for name, at in library.annotations(owner)}
    try:
        hints = get_type_hints(machine, include_extras=True)
    except NameError as error:
        at = next((at for name, at in places.items() if error.name and name), None)
        raise SpecError(
            f"An annotation of {machine.__name__} names {error.name!r}, which nothing defines.",
            cause="It is misspelt, not imported, or defined inside a function.",
            mend=f"Define or import {error.name} at the top of the module.",
            at=next((p for n, p in places.items() if _mentions(machine, n, error.name)), at),
        ) from None
    found = []
    for name, hint in hints.items():
        if name not in places:
            continue
        resolver.at = places[name]
        ghost = any(isinstance(m, GhostMark) for m in getattr(hint, "__metadata__", ()))
        found.append(Declaration(name, resolver.shape(hint), ghost, places[name]))
    return tuple(found)


def _mentions(machine: type, attribute: str, missing: str | None) -> bool:
    text = str(inspect.get_annotations(machine).get(attribute, ""))
    return missing is not None and missing in text


def flat_name(variable: str, field: str) -> str:
    """The IR variable that carries one field of a record variable."""
    return f"{variable}__{field}"


def variables_of(declaration: Declaration) -> Iterator[Variable]:
    """The IR variables that carry a declaration (none for a constant)."""
    dims: list[ScalarType] = []
    shape = declaration.shape
    while isinstance(shape, MapShape):
        if shape.constant:
            return
        dims.append(shape.key)
        shape = shape.value
    if isinstance(shape, RecordShape):
        for field, kind in shape.type.fields:
            name = flat_name(declaration.name, field)
            yield Variable(name, tuple(dims), kind, declaration.ghost)
        return
    leaf = shape.type if isinstance(shape, FifoShape) else shape
    yield Variable(declaration.name, tuple(dims), leaf, declaration.ghost)


def constant_of(declaration: Declaration, table: Iterable[object]) -> Constant:
    """A constant map of the instance from the table given to `instance`, row by row."""
    dims: list[ScalarType] = []
    shape = declaration.shape
    while isinstance(shape, MapShape):
        dims.append(shape.key)
        shape = shape.value
    assert isinstance(shape, BoolType | IntType | EnumType | SortType)
    return Constant(declaration.name, tuple(dims), shape, tuple(encode(v) for v in table))


def encode(value: object) -> int:
    """The int that stands for a native scalar value."""
    if isinstance(value, enum.Enum):
        return list(type(value)).index(value)
    if isinstance(value, bool | int):
        return int(value)
    ordinal = getattr(value, "ordinal", None)
    assert isinstance(ordinal, int)
    return ordinal
