"""The two designs of staging, read as a running staging of page tables does things.

It decides how a step that was told is worded as an action of `staging-v1` or `staging-v2`, and
which of their variables are what is shown. The idea: a design looks at one row of a shipment, so a
batch of so many requests is as many runs of the design, which differ in the row that they look at
and in nothing else.

What a row says, a request, a buffer and a shipment get a number of the instance when they are met,
and give it back once the design has no use for it, so a run of any length needs a small instance.
An iteration of a design is used once; one that is over is forgotten here, as it was at the start,
which is what an instance with one iteration more would have in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from types import MappingProxyType
from typing import Any, TypeAlias, cast

import kvspec.staging_events as events
from kvcheck.lockstep.compiled import Compiled, compiled
from kvcheck.lockstep.frontier import Reading, first_false
from kvcheck.lockstep.refusal import Conjunct, Disagreement
from kvspec.events import RequestId
from kvspec.lang.concrete import Arguments, initial_states
from kvspec.lang.ir import Action, Model
from kvspec.lang.state import State
from kvspec.lang.types import FifoType, ScalarType, SortType, render_value, value_count
from kvspec.models.staging import Moment
from kvspec.staging_events import MemoryId, Observation, Rows, ShipmentId, StagingEvent

ROWS_MAX = 1 << 20  # no variable is indexed by what a row says, so this costs nothing
ROWS_KEPT = 1_024
PENDING = (Moment.ENQUEUED.value, Moment.EXECUTING.value)

Cells: TypeAlias = Mapping[str, object]
"""The cells of a field by name."""


class TooMany(Exception):
    """The instance has no number left for what was met."""


@dataclass(slots=True)
class Names:
    """What is in the run, by its number in the instance."""

    request_count: int
    buffer_count: int
    shipments_max: int
    rows: dict[int, Rows]
    shipment_of: dict[ShipmentId, int] = field(default_factory=dict)
    request_of: dict[RequestId, int] = field(default_factory=dict)
    buffer_of: dict[MemoryId, int] = field(default_factory=dict)
    streams: list[str] = field(default_factory=list)
    numbers: dict[Rows, int] = field(default_factory=dict)
    next_row: int = 1

    def request(self, request: RequestId) -> int:
        """Its number, which it keeps until it ends. Raises: TooMany."""
        return _number(request, self.request_of, self.request_count, "requests")

    def buffer(self, memory: MemoryId, unused: Iterable[int] = ()) -> int:
        """Its number; the numbers that are unused may have been another's. Raises: TooMany."""
        if memory not in self.buffer_of:
            gone = set(unused)
            self.buffer_of = {m: n for m, n in self.buffer_of.items() if n not in gone}
        return _number(memory, self.buffer_of, self.buffer_count, "buffers")

    def row(self, rows: Rows) -> int:
        """The number of what a row says."""
        if rows not in self.numbers:
            while self.next_row in self.rows:
                self.next_row = (self.next_row + 1) % ROWS_MAX
            self.numbers[rows], self.rows[self.next_row] = self.next_row, rows
        return self.numbers[rows]

    def keep_rows(self, used: Container[int]) -> None:
        """Only these numbers of rows are in use."""
        self.rows = {n: rows for n, rows in self.rows.items() if n in used}
        self.numbers = {rows: n for n, rows in self.rows.items()}

    def shipment(self, shipment: ShipmentId) -> int:
        """Its number, which it keeps until it is over. Raises: TooMany."""
        return _number(shipment, self.shipment_of, self.shipments_max, "shipments")

    def stream(self, name: str) -> int:
        """The first that is met is MAIN, the second SIDE. Raises: TooMany."""
        if name not in self.streams:
            if len(self.streams) == 2:
                raise TooMany(f"stream {name} is the third that is shipped in")
            self.streams.append(name)
        return self.streams.index(name)

    def stream_of(self, number: int) -> str:
        """The stream of that number, met or not."""
        return self.streams[number] if number < len(self.streams) else "another stream"

    def said(self, kind: ScalarType, value: int) -> str:
        """A value of the instance in the run's words."""
        name = kind.name if isinstance(kind, SortType) else ""
        if name == "Offsets" and value in self.rows:
            return said(self.rows[value])
        if name == "Request":
            return next((f"request{r}" for r, n in self.request_of.items() if n == value), "nobody")
        if name == "Buffer":
            found = (f"memory{m}" for m, n in self.buffer_of.items() if n == value)
            return next(found, "fresh memory")
        if name == "Iteration":
            return self.shipment_name(value)
        return render_value(kind, value)

    def shipment_name(self, number: int) -> str:
        """The shipment that has the number."""
        found = (f"shipment{s}" for s, n in self.shipment_of.items() if n == number)
        return next(found, "a new shipment")


def _number(key: Any, known: dict[Any, int], count: int, what: str) -> int:  # Any: a NewType's
    if key not in known:
        unused = next((n for n in range(count) if n not in known.values()), None)
        if unused is None:
            raise TooMany(f"more than {count} {what} are in use at once")
        known[key] = unused
    return known[key]


# ---- what is shown


@dataclass(frozen=True, slots=True)
class Seen:
    """What the staging shows, and what the device does, at one step of the host.

    By slot, by shipment that the device has not executed, by buffer, by reader. `to_read` has a
    request's rows after the other.
    """

    told: Observation
    rows: tuple[Rows, ...] | None
    queued: Mapping[str, tuple[ShipmentId, ...]]
    to_read: Mapping[ShipmentId, tuple[Rows, ...]]
    marks: Mapping[ShipmentId, frozenset[ShipmentId]] | None
    noted: Mapping[MemoryId, frozenset[str]]
    readers: tuple[tuple[Rows, ...], ...]


@dataclass(frozen=True, slots=True)
class Field:
    """Cells that are shown, and the same cells of a state; `shown` is None where nobody shows them.

    A field that is `by_place` differs from one row of a shipment to the other.
    """

    name: str
    shown: Callable[[Seen, int], Cells | None]
    wanted: Callable[[Cursor, Names], Cells]
    by_place: bool = False


class Cursor:
    """A state's variables by name."""

    def __init__(self, design: StagedDesign, state: State) -> None:
        self._design, self._state = design, state

    def __getattr__(self, name: str) -> Any:  # Any: the rows of whatever variable it is
        return self._state[self._design.places[name]]

    @property
    def slots(self) -> int:
        """How many rows a table has."""
        return self._design.sizes["S"]

    def grid(self, name: str, width: int) -> list[tuple[int, ...]]:
        """The rows of a map of maps."""
        rows = cast("tuple[int, ...]", getattr(self, name))
        return [rows[at : at + width] for at in range(0, len(rows), width)]

    def pending(self) -> list[int]:
        """The iterations that the device has not executed, as the design has it."""
        return [i for i, moment in enumerate(self.moment) if moment in PENDING]


Words: TypeAlias = Callable[[Any, Names, Cursor, int], Arguments | None]
"""The arguments of an event's action, for the row at one place of a shipment."""


@dataclass(frozen=True, slots=True)
class StagedDesign:
    """A design at one size, compiled once; judges share it."""

    name: str
    model: Model
    actions: Mapping[str, Action]
    compiled: Compiled
    places: Mapping[str, int]
    start: State
    fields: tuple[Field, ...]
    words: Mapping[type, Words]
    sizes: Mapping[str, int]
    cells_of: tuple[tuple[tuple[int, int], ...], ...]

    def arguments(
        self, event: StagingEvent, names: Names, state: State, place: int
    ) -> Arguments | None:
        """The arguments of the event's action; None where the design has no such action."""
        words = self.words.get(type(event))
        return None if words is None else words(event, names, Cursor(self, state), place)

    def names(self, no_pages: Rows) -> Names:
        """The names at the start, when no row has a page."""
        sizes = self.sizes
        made = Names(sizes["R"], sizes["B"] + sizes.get("C", 0), sizes["N"], {0: no_pages})
        made.numbers[no_pages] = 0
        return made

    def is_over(self, state: State, number: int) -> bool:
        """Whether nothing that the design still does concerns the iteration."""
        return state[self.places["moment"]][number] == Moment.OBSERVED.value and not any(
            number in cast("tuple[int, ...]", queue)
            for variable in self.model.variables
            if isinstance(variable.leaf, FifoType)
            for queue in state[self.places[variable.name]]
        )

    def without(self, state: State, number: int) -> State:
        """The state in which the iteration is as it was at the start."""
        rows = [list(row) for row in state]
        for variable, cell in self.cells_of[number]:
            rows[variable][cell] = self.start[variable][cell]
        return tuple(map(tuple, rows))

    def rows_in(self, state: State) -> frozenset[int]:
        """The numbers of rows that the state mentions."""
        return frozenset(
            cast("int", says)
            for variable in self.model.variables
            if isinstance(variable.leaf, SortType) and variable.leaf.name == "Offsets"
            for says in state[self.places[variable.name]]
        )

    def differences(
        self, names: Names, state: State, seen: Seen, place: int
    ) -> Iterator[Disagreement]:
        """The cells in which what is shown differs from the state."""
        rows = Cursor(self, state)
        for one in self.fields:
            shown = one.shown(seen, place) if place == 0 or one.by_place else None
            if shown is None:
                continue
            wanted = one.wanted(rows, names)
            if shown != wanted:
                for cell in dict.fromkeys([*shown, *wanted]):
                    mine, own = shown.get(cell, "nothing"), wanted.get(cell, "nothing")
                    if mine != own:
                        yield Disagreement(one.name, f"{one.name}[{cell}]", said(mine), said(own))

    def conjunct(self, state: State, name: str, arguments: Arguments) -> Conjunct | None:
        """The first condition of the action that is false here, or None."""
        return first_false(self.model, state, self.actions[name], arguments)

    def reading(
        self, names: Names, seen: Seen, place: int, wanted: tuple[str, Arguments] | None
    ) -> Reading:
        """The design as a frontier needs it: values that are not in the run are not tried."""
        own = () if wanted is None else self.actions[wanted[0]].parameters
        asked = {} if wanted is None else dict(zip((p.type for p in own), wanted[1], strict=True))

        def known(kind: ScalarType) -> tuple[int, ...]:
            if isinstance(kind, SortType) and kind.name == "Offsets":
                now = [names.numbers[rows] for rows in seen.rows or () if rows in names.numbers]
                return tuple(dict.fromkeys([asked.get(kind, 0), *now]))
            if isinstance(kind, SortType) and kind.name == "Request":
                live = names.request_of.values()
                return tuple(dict.fromkeys([*([asked[kind]] if kind in asked else []), *live]))
            if isinstance(kind, SortType) and kind.name == "Iteration":
                used = names.shipment_of.values()
                new = next((n for n in range(kind.high) if n not in used), kind.high)
                return (asked.get(kind, new),)
            return tuple(range(kind.low, kind.high + 1))

        return Reading(
            actions=self.actions,
            steps=self.compiled.steps,
            conjunct=self.conjunct,
            differences=lambda after: self.differences(names, after, seen, place),
            said=names.said,
            known=known,
        )


def said(value: object) -> str:
    """A cell in words."""
    if isinstance(value, frozenset):
        return "{" + " ".join(sorted(map(str, value))) + "}"
    if isinstance(value, tuple):
        return "[" + " ".join(map(said, value)) + "]"
    return str(value)


# ---- fields that both have


def _queued(seen: Seen, place: int) -> Cells:
    return {name: tuple(f"shipment{n}" for n in queue) for name, queue in seen.queued.items()}


def _queued_by_design(rows: Cursor, names: Names) -> Cells:
    return {
        names.stream_of(number): tuple(map(names.shipment_name, queue))
        for number, queue in enumerate(rows.stream)
        if queue or number < len(names.streams)
    }


def to_read(seen: Seen, place: int) -> Cells:
    """What the shipments that are pending would read now, of the row at this place."""
    return {f"shipment{n}": batch[place % len(batch)] for n, batch in seen.to_read.items()}


QUEUED = Field("queued", _queued, _queued_by_design)


def table_rows(seen: Seen, place: int) -> Cells | None:
    """The rows of the table as they are shown."""
    if seen.rows is None:
        return None
    return {f"slot{s}": rows for s, rows in enumerate(seen.rows)}


BUFFER = SortType("Buffer", 1 << 30)
"""Any buffer, to be worded."""
OF_DEVICE: Mapping[type, Words] = MappingProxyType(
    {
        events.Observe: lambda e, names, _, __: (),
        events.Finish: lambda e, names, _, __: (names.stream(e.stream),),
    }
)
"""The steps that are taken from the device, which both have."""


def design(
    name: str,
    model: Model,
    fields: tuple[Field, ...],
    words: Mapping[type, Words],
    sizes: Mapping[str, int],
) -> StagedDesign:
    """The design of a model, compiled."""
    (start,) = initial_states(model)
    return StagedDesign(
        name=name,
        model=model,
        actions={action.name: action for action in model.actions},
        compiled=compiled(model),
        places={v.name: number for number, v in enumerate(model.variables)},
        start=start,
        fields=fields,
        words=words,
        sizes=sizes,
        cells_of=tuple(tuple(_cells_of(model, number)) for number in range(sizes["N"])),
    )


def _cells_of(model: Model, number: int) -> Iterator[tuple[int, int]]:
    """The cells, by variable and place, that are one iteration's."""
    for place, variable in enumerate(model.variables):
        indices = product(*(range(value_count(dim)) for dim in variable.dims))
        is_own = [isinstance(dim, SortType) and dim.name == "Iteration" for dim in variable.dims]
        for cell, index in enumerate(indices):
            if any(own and at == number for own, at in zip(is_own, index, strict=True)):
                yield place, cell
