"""What a traced thread leaves for facts: its places, its own variables, and which it keeps where.

It decides at which places a thread keeps a variable: those that it reaches only by ways on which
it has set it. Anywhere else the cell holds a blank or what an earlier round left, which means
nothing. It is read off the traced steps, to a fixed point.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from kvspec.lang.ir import Action, Assign, If, Literal, Local, Statement, Variable
from kvspec.lang.types import EnumType


@dataclass(frozen=True)
class Whereabouts:
    """One thread as facts see it; `counter` says where it stands, `keeps` what it keeps there."""

    name: str
    counter: Variable
    parameters: tuple[Local, ...]
    own: Mapping[str, Variable]
    keeps: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def places(self) -> tuple[str, ...]:
        """Where it can stand, `start` first and `done` last."""
        kind = self.counter.leaf
        assert isinstance(kind, EnumType)
        return kind.members

    def ordered(self, places: Collection[str]) -> list[str]:
        """These places in the order of the source."""
        return [place for place in self.places if place in places]


def with_keeps(thread: Whereabouts, steps: Sequence[Action]) -> Whereabouts:
    """The thread with what it keeps at each place, from its steps."""
    names = {variable: name for name, variable in thread.own.items()}
    found: dict[str, frozenset[str]] = {thread.places[0]: frozenset()}
    bodies = {step.name.removeprefix(f"{thread.name}__"): step.body for step in steps}
    waiting = [thread.places[0]]
    while waiting:
        place = waiting.pop()
        walk = _Walk(thread.counter, names, {})
        walk.along(bodies.get(place, ()), found[place])
        for reached, kept in walk.arrivals.items():
            less = kept & found[reached] if reached in found else kept
            if found.get(reached) != less:
                found[reached] = less
                waiting.append(reached)
    return Whereabouts(
        thread.name, thread.counter, thread.parameters, thread.own, MappingProxyType(found)
    )


@dataclass(frozen=True)
class _Walk:
    """One step followed along every branch; `arrivals` says what is set where it ends."""

    counter: Variable
    names: Mapping[Variable, str]
    arrivals: dict[str, frozenset[str]]

    def along(self, body: Sequence[Statement], known: frozenset[str]) -> frozenset[str] | None:
        """What is set after the statements, or None where every way has come to its yield."""
        now: frozenset[str] | None = known
        for statement in body:
            if now is None:
                return None
            if isinstance(statement, If):
                ends = [self.along(part, now) for part in (statement.then, statement.otherwise)]
                open_ends = [end for end in ends if end is not None]
                now = frozenset.intersection(*open_ends) if open_ends else None
            elif isinstance(statement, Assign) and statement.variable == self.counter:
                self._arrive(statement, now)
                now = None
            elif isinstance(statement, Assign) and statement.variable in self.names:
                now |= {self.names[statement.variable]}
        return now

    def _arrive(self, statement: Assign, known: frozenset[str]) -> None:
        kind, place = self.counter.leaf, statement.value
        assert isinstance(kind, EnumType)
        assert isinstance(place, Literal)
        label, done = kind.members[place.value], kind.members[-1]
        kept = frozenset[str]() if label == done else known  # a thread that ends clears its own
        self.arrivals[label] = kept & self.arrivals.get(label, kept)
