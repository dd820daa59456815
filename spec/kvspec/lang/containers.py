"""Maps, FIFOs, sets and constants: what state variables are made of.

It decides how they behave while a spec runs as ordinary Python (in a debugger, say): each
operation that can go wrong raises `OperationFailed`, where the traced model has an `Assert`.
The tracer reads the same classes as types and never runs these methods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Generic, TypeVar

from kvspec.lang.sorts import GhostMark

K = TypeVar("K")
V = TypeVar("V")
E = TypeVar("E")

Ghost = Annotated[V, GhostMark()]


class OperationFailed(AssertionError):
    """Natively, an operation was impossible: a push on a full queue, a value out of range."""


class Map(Generic[K, V]):
    """A value for every key; `check` refuses a value out of range, `cells` hold the rest."""

    def __init__(self, cells: dict[K, V], check: Callable[[V], None]) -> None:
        self._cells, self._check = cells, check

    def __getitem__(self, key: K) -> V:
        return self._cells[key]

    def __setitem__(self, key: K, value: V) -> None:
        if key not in self._cells:
            raise OperationFailed(f"{key!r} is no key of this map")
        self._check(value)
        self._cells[key] = value

    def __repr__(self) -> str:
        return repr(self._cells)


class Constant(Generic[K, V]):
    """A map that never changes: one table an instance."""

    def __init__(self, cells: Mapping[K, V]) -> None:
        self._cells = dict(cells)

    def __getitem__(self, key: K) -> V:
        return self._cells[key]

    def __repr__(self) -> str:
        return repr(self._cells)


class Fifo(Generic[E]):
    """A queue of at most `capacity` elements, oldest first."""

    def __init__(self, capacity: int, items: Iterable[E] = ()) -> None:
        self._capacity, self._items = capacity, list(items)

    @property
    def front(self) -> E:
        """The oldest element."""
        if not self._items:
            raise OperationFailed("front of an empty queue")
        return self._items[0]

    def push(self, item: E) -> None:
        """Append at the young end."""
        if len(self._items) >= self._capacity:
            raise OperationFailed("push on a full queue")
        self._items.append(item)

    def pop(self) -> E:
        """Take the oldest element."""
        if not self._items:
            raise OperationFailed("pop of an empty queue")
        return self._items.pop(0)

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[E]:
        return iter(tuple(self._items))

    def __repr__(self) -> str:
        return repr(self._items)


class UniqueFifo(Fifo[E]):
    """A queue that holds each element at most once, so an element can leave from the middle."""

    def __contains__(self, item: object) -> bool:
        return any(item == held for held in self._items)

    def push(self, item: E) -> None:
        """Append at the young end; the element must be absent."""
        if item in self:
            raise OperationFailed(f"push of {item!r}, which is in the queue")
        super().push(item)

    def remove(self, item: E) -> None:
        """Take an element out, wherever it stands; it must be present."""
        if item not in self:
            raise OperationFailed(f"remove of {item!r}, which is not in the queue")
        self._items.remove(item)

    def fill(self, items: Iterable[E]) -> None:
        """Hold exactly these (in `@init` only)."""
        self._items[:] = items


class Set(Generic[E]):
    """A set of ids or other scalars; iterated in their order."""

    def __init__(self, order: Callable[[E], int], items: Iterable[E] = ()) -> None:
        self._order, self._items = order, set(items)

    def add(self, item: E) -> None:
        """Put an element in, if it is not there."""
        self._items.add(item)

    def discard(self, item: E) -> None:
        """Take an element out, if it is there."""
        self._items.discard(item)

    def remove(self, item: E) -> None:
        """Take an element out; it must be present."""
        if item not in self:
            raise OperationFailed(f"remove of {item!r}, which is not in the set")
        self._items.remove(item)

    def __contains__(self, item: object) -> bool:
        return any(item == held for held in self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[E]:
        return iter(sorted(self._items, key=self._order))

    def __repr__(self) -> str:
        return "{" + ", ".join(map(repr, self)) + "}"
