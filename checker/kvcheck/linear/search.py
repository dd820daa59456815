"""Is there one order of the operations that explains every answer? Wing and Gong's search.

It decides whether a history of one object is linearizable; what a call does to the object is the
object's. The idea: an operation may come next if no other one ended before it began; dead ends are
remembered as pairs of what was placed and the state that it led to (Lowe 2017), so no pair is tried
twice. J. M. Wing and C. Gong, "Testing and verifying concurrent objects", 1993.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar

from kvcheck.linear.history import Operation

S = TypeVar("S", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Impossible:
    """The object cannot answer like this in this state: which rule forbids it."""

    why: str


class Sequential(Protocol[S]):
    """An object used by one caller at a time."""

    def initial(self) -> S:
        """Its state before the first operation."""

    def after(self, state: S, operation: Operation) -> S | Impossible:
        """Its state after an operation that ended as it did."""


@dataclass(frozen=True, slots=True)
class Linearized:
    """An order that explains every answer."""

    order: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Stuck:
    """No order does. `longest` explains as many operations as any; none of `next` fits after it."""

    longest: tuple[Operation, ...]
    next: tuple[tuple[Operation, str], ...]


@dataclass(frozen=True, slots=True)
class OutOfBudget:
    """The search was stopped: nothing is known."""

    pairs_tried: int


Found: TypeAlias = Linearized | Stuck | OutOfBudget


@dataclass(slots=True)
class _Place(Generic[S]):
    """A partial order: what was placed as bits, the state, and what may still be tried next."""

    placed: int
    state: S
    untried: list[int]


def linearize(
    operations: Sequence[Operation], object: Sequential[S], *, pairs_max: int = 1_000_000
) -> Found:
    """An order of the operations that the object could have answered so, if there is one."""
    everything = (1 << len(operations)) - 1
    path: list[_Place[S]] = [_Place(0, object.initial(), _minimal(operations, 0))]
    taken: list[int] = []
    tried = {(0, path[0].state)}
    longest = Stuck((), ())
    while path:
        here = path[-1]
        if here.placed == everything:
            return Linearized(tuple(operations[n] for n in taken))
        if not here.untried:
            path.pop()
            if taken:
                taken.pop()
            continue
        number = here.untried.pop(0)
        state = object.after(here.state, operations[number])
        if isinstance(state, Impossible):
            if len(taken) > len(longest.longest) or not longest.next:
                longest = _stuck(operations, taken, here, object)
            continue
        placed = here.placed | 1 << number
        if (placed, state) in tried:
            continue
        if len(tried) >= pairs_max:
            return OutOfBudget(len(tried))
        tried.add((placed, state))
        taken.append(number)
        path.append(_Place(placed, state, _minimal(operations, placed)))
    return longest


def _minimal(operations: Sequence[Operation], placed: int) -> list[int]:
    """The operations not placed that began before any of those ended, first called first."""
    found: list[int] = []
    ended = float("inf")
    start = ((placed + 1) & ~placed).bit_length() - 1
    for number in range(start, len(operations)):
        if placed >> number & 1:
            continue
        operation = operations[number]
        if operation.called > ended:
            break
        found.append(number)
        ended = min(ended, operation.returned)
    return found


def _stuck(
    operations: Sequence[Operation], taken: list[int], here: _Place[S], object: Sequential[S]
) -> Stuck:
    refused = []
    for number in _minimal(operations, here.placed):
        answer = object.after(here.state, operations[number])
        if isinstance(answer, Impossible):
            refused.append((operations[number], answer.why))
    return Stuck(tuple(operations[n] for n in taken), tuple(refused))
