"""Sorts, sizes and records: the nouns a spec author declares.

It decides what an id is while a spec runs as ordinary Python; the tracer reads the same classes
as types. A sort has as many ids as the instance says, so iterating one asks which instance is
running: `running` holds its sizes, for the length of one native step.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar, dataclass_transform

S = TypeVar("S", bound="Sort")

_running: ContextVar[dict[str, int]] = ContextVar("kvspec_running_sizes")


@contextmanager
def running(sizes: dict[str, int]) -> Iterator[None]:
    """Run what is inside with these sizes of sorts and named sizes."""
    token = _running.set(sizes)
    try:
        yield
    finally:
        _running.reset(token)


class SortClass(type):
    """The type of a sort: it can be iterated and has a length, the number of its ids."""

    def __iter__(cls: type[S]) -> Iterator[S]:  # type: ignore[misc]  # as typeshed types EnumMeta
        return (cls(k) for k in range(_running.get()[cls.__name__]))

    def __len__(cls) -> int:
        return _running.get()[cls.__name__]


class Sort(metaclass=SortClass):
    """An id of one kind: equal to itself and to nothing of another sort, which it refuses."""

    __slots__ = ("ordinal",)

    def __init__(self, ordinal: int) -> None:
        self.ordinal = ordinal

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            raise TypeError(f"{self!r} compared with {other!r}: ids of different sorts do not mix")
        return self.ordinal == other.ordinal

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.ordinal))

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"{name[0].lower()}{name[1:]}{self.ordinal}"


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Record:
    """A value with named scalar fields: subclass it and annotate them."""

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True, kw_only=True)(cls)


class Size:
    """A named number of the instance, for bounds and guards; a proof may leave it open."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __index__(self) -> int:
        return _running.get()[self.name]

    def __repr__(self) -> str:
        return self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Size):
            return self.name == other.name  # typing caches annotations by equality
        return int(self) == other

    def __lt__(self, other: int) -> bool:
        return int(self) < other

    def __le__(self, other: int) -> bool:
        return int(self) <= other

    def __gt__(self, other: int) -> bool:
        return int(self) > other

    def __ge__(self, other: int) -> bool:
        return int(self) >= other

    def __add__(self, other: int) -> int:
        return int(self) + other

    def __radd__(self, other: int) -> int:
        return other + int(self)

    def __sub__(self, other: int) -> int:
        return int(self) - other

    def __rsub__(self, other: int) -> int:
        return other - int(self)


Bound = int | Size | type[Sort]


@dataclass(frozen=True, slots=True)
class Range:
    """`Annotated[int, Range(low, high)]`: both included; a sort stands for how many ids it has.

    `plus` is added to `high`.
    """

    low: int
    high: Bound
    plus: int = 0


@dataclass(frozen=True, slots=True)
class Capacity:
    """`Annotated[Fifo[X], Capacity(n)]`: the most elements a FIFO may hold."""

    limit: Bound


@dataclass(frozen=True, slots=True)
class GhostMark:
    """Marks a variable that only records: no guard and no other variable may depend on it."""


def require(label: str, condition: object) -> None:
    """One named conjunct of a guard; where it is false the action is not enabled."""
    if not condition:
        raise Disabling(label)


def implies(if_this: object, then_that: object) -> bool:
    """Logical implication; both sides are evaluated."""
    return bool(then_that) or not bool(if_this)


class Disabling(Exception):
    """Natively, a guard conjunct was false; its label is the argument."""


def is_sort(candidate: Any) -> bool:  # Any: asked of whatever a spec's globals hold
    """Whether this is a sort an author declared."""
    return isinstance(candidate, SortClass) and candidate is not Sort
