"""The two designs of staging, read as a running staging of page tables does things.

It decides how a step that was told is worded as an action of `staging-v1` or `staging-v2`, and
which of their variables are what is shown. The idea: a design looks at one row of a shipment, so a
batch of so many requests is as many runs of the design, which differ in the row that they look at
and in nothing else.

A row's content, a request and a buffer get a number of the instance when they are met, and give it
back once the design has no use for it. Shipments are never used twice, so an instance has so many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import kvspec.staging_events as events
from kvcheck.lockstep.compiled import Compiled, compiled
from kvcheck.lockstep.frontier import Reading, first_false
from kvcheck.lockstep.refusal import Conjunct, Disagreement
from kvspec.events import RequestId
from kvspec.lang.concrete import Arguments, initial_states
from kvspec.lang.ir import Action, Model
from kvspec.lang.state import State
from kvspec.lang.types import ScalarType, SortType, render_value
from kvspec.models.staging import Moment
from kvspec.models.staging_v1 import StagedTable
from kvspec.models.staging_v2 import GatheredRows
from kvspec.staging_events import MemoryId, Observation, Rows, ShipmentId, StagingEvent

ROWS_MAX = 1 << 20  # no variable is indexed by what a row says, so this costs nothing
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
    rows: list[Rows]
    request_of: dict[RequestId, int] = field(default_factory=dict)
    buffer_of: dict[MemoryId, int] = field(default_factory=dict)
    streams: list[str] = field(default_factory=list)
    numbers: dict[Rows, int] = field(default_factory=dict)
    shipment_count: int = 0

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
            self.numbers[rows] = len(self.rows)
            self.rows.append(rows)
        return self.numbers[rows]

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
        if name == "Offsets" and value < len(self.rows):
            return said(self.rows[value])
        if name == "Request":
            return next((f"request{r}" for r, n in self.request_of.items() if n == value), "nobody")
        if name == "Buffer":
            found = (f"memory{m}" for m, n in self.buffer_of.items() if n == value)
            return next(found, "fresh memory")
        if name == "Iteration":
            return f"shipment{value}"
        return render_value(kind, value)


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
    wanted: Callable[[Rows2D, Names], Cells]
    by_place: bool = False


class Rows2D:
    """A state's variables by name."""

    def __init__(self, design: StagedDesign, state: State) -> None:
        self._design, self._state = design, state

    def __getattr__(self, name: str) -> Any:  # Any: the rows of whatever variable it is
        return self._state[self._design.places[name]]

    def grid(self, name: str, width: int) -> list[tuple[int, ...]]:
        """The rows of a map of maps."""
        rows = cast("tuple[int, ...]", getattr(self, name))
        return [rows[at : at + width] for at in range(0, len(rows), width)]

    def pending(self) -> list[int]:
        """The iterations that the device has not executed, as the design has it."""
        return [i for i, moment in enumerate(self.moment) if moment in PENDING]


Words: TypeAlias = Callable[[Any, Names, State, int], Arguments | None]
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

    def arguments(
        self, event: StagingEvent, names: Names, state: State, place: int
    ) -> Arguments | None:
        """The arguments of the event's action; None where the design has no such action."""
        words = self.words.get(type(event))
        return None if words is None else words(event, names, state, place)

    def names(self, no_pages: Rows) -> Names:
        """The names at the start, when no row has a page."""
        sizes = self.sizes
        made = Names(sizes.get("R", 0), sizes["B"] + sizes.get("C", 0), [no_pages])
        made.numbers[no_pages] = 0
        return made

    def differences(
        self, names: Names, state: State, seen: Seen, place: int
    ) -> Iterator[Disagreement]:
        """The cells in which what is shown differs from the state."""
        rows = Rows2D(self, state)
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
                return (asked.get(kind, min(names.shipment_count, kind.high)),)
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


def _queued_by_design(rows: Rows2D, names: Names) -> Cells:
    return {
        names.stream_of(number): tuple(f"shipment{n}" for n in queue)
        for number, queue in enumerate(rows.stream)
        if queue or number < len(names.streams)
    }


def _to_read(seen: Seen, place: int) -> Cells:
    return {f"shipment{n}": batch[place % len(batch)] for n, batch in seen.to_read.items()}


QUEUED = Field("queued", _queued, _queued_by_design)


# ---- staging by copy


def staging_v1(*, slots: int, depth: int, shipments: int, readers: int = 2) -> StagedDesign:
    """The design of staging by copy, for one table."""
    sizes = {"N": shipments, "B": depth + 1, "S": slots, "C": 1, "R": readers, "D": depth}
    model = StagedTable.instance(V=ROWS_MAX, **sizes)
    sizes["R"] = 0  # readers are numbered by the table that makes them

    live, guard, moment = (places(model)[name] for name in ("live", "guard", "moment"))

    def reusable(state: State) -> list[int]:
        pending = {i for i, now in enumerate(state[moment]) if now in PENDING}
        held = {
            at // shipments for at, g in enumerate(state[guard]) if g and at % shipments in pending
        }
        return [n for n, is_live in enumerate(state[live]) if not is_live and n not in held]

    def row_of(rows: Rows2D, names: Names, buffer: int, slot: int) -> Rows:
        says: int = rows.held[buffer * slots + slot]
        return names.rows[says]

    def table_rows(rows: Rows2D, names: Names) -> Cells:
        (table,) = rows.table
        return {f"slot{s}": row_of(rows, names, table, s) for s in range(slots)}

    def to_read(rows: Rows2D, names: Names) -> Cells:
        return {
            f"shipment{i}": row_of(rows, names, rows.source_of[i], rows.index_of[i])
            for i in rows.pending()
        }

    def noted(rows: Rows2D, names: Names) -> Cells:
        pairs = enumerate(rows.used_on)
        used: dict[int, set[str]] = {}
        for at, is_used in pairs:
            if is_used:
                used.setdefault(at // 2, set()).add(names.stream_of(at % 2))
        return {
            f"memory{memory}": frozenset(used.get(n, ()))
            for memory, n in names.buffer_of.items()
            if rows.live[n] and n not in rows.table
        }

    def read_by(rows: Rows2D, names: Names) -> Cells:
        return {
            f"reader{r}": tuple(row_of(rows, names, rows.table_of[r], s) for s in range(slots))
            for r in range(readers)
            if rows.asked[r]
        }

    fields = (
        Field(
            "table",
            lambda seen, _: {"at": f"memory{seen.told.table}"} if seen.told.table else None,
            lambda rows, names: {"at": names.said(_BUFFER, rows.table[0])},
        ),
        Field("rows", _table_rows, table_rows),
        QUEUED,
        Field("to_read", _to_read, to_read, by_place=True),
        Field("noted", lambda seen, _: {f"memory{m}": s for m, s in seen.noted.items()}, noted),
        Field(
            "readers",
            lambda seen, _: {f"reader{r}": rows for r, rows in enumerate(seen.readers)},
            read_by,
        ),
    )
    words: dict[type, Words] = {
        events.WriteRow: lambda e, names, _, __: (0, e.slot, names.row(e.rows)),
        events.Ask: lambda e, names, _, __: (e.reader, 0),
        events.Stage: lambda e, names, state, place: (
            e.shipment,
            0,
            e.slots[place % len(e.slots)],
            names.buffer(e.source, reusable(state)),
            names.stream(e.stream),
        ),
        events.GiveUp: lambda e, names, _, __: (
            (names.buffer_of[e.source],) if e.source in names.buffer_of else None
        ),
        **_OF_DEVICE,
    }
    return _design("staging-v1", model, fields, words, sizes)


def _table_rows(seen: Seen, place: int) -> Cells | None:
    if seen.rows is None:
        return None
    return {f"slot{s}": rows for s, rows in enumerate(seen.rows)}


# ---- staging by gather


def staging_v2(*, slots: int, depth: int, shipments: int) -> StagedDesign:
    """The design of staging by gather kernel."""
    sizes = {"N": shipments, "B": depth + 1, "S": slots, "R": slots + 1, "D": depth}
    model = GatheredRows.instance(V=ROWS_MAX, **sizes)

    def bound(rows: Rows2D, names: Names) -> Cells:
        return {
            f"request{request}": f"slot{rows.slot_of[n]}"
            for request, n in names.request_of.items()
            if rows.bound[n]
        }

    def to_read(rows: Rows2D, names: Names) -> Cells:
        held = rows.grid("held", slots)
        return {
            f"shipment{i}": names.rows[held[rows.buffer_of[i]][rows.index_of[i]]]
            for i in rows.pending()
        }

    def kept(rows: Rows2D, names: Names) -> Cells:
        at = [(i, names.said(_BUFFER, rows.buffer_of[i])) for i in rows.retiring[0]]
        return {"in order": tuple(f"shipment{i} in {memory}" for i, memory in at)}

    def marks(rows: Rows2D, names: Names) -> Cells:
        guard, pending = rows.grid("guard", shipments), rows.pending()
        return {
            f"shipment{i}": frozenset(f"shipment{u}" for u in pending if guard[i][u])
            for i in rows.retiring[0]
        }

    fields = (
        Field("bound", _bound, bound),
        Field(
            "free",
            lambda seen, _: None if seen.told.free is None else {"slots": seen.told.free},
            lambda rows, _: {"slots": frozenset(s for s, t in enumerate(rows.taken) if not t)},
        ),
        Field(
            "rows",
            _table_rows,
            lambda rows, names: {f"slot{s}": names.rows[v] for s, v in enumerate(rows.row)},
        ),
        QUEUED,
        Field("kept", _kept, kept),
        Field(
            "marks",
            lambda seen, _: (
                None
                if seen.marks is None
                else {
                    f"shipment{n}": frozenset(f"shipment{u}" for u in stands)
                    for n, stands in seen.marks.items()
                }
            ),
            marks,
        ),
        Field("to_read", _to_read, to_read, by_place=True),
    )
    row, free = (places(model)[name] for name in ("row", "free"))
    words: dict[type, Words] = {
        events.Bind: lambda e, names, state, _: (
            names.request(e.request),
            e.slot,
            state[row][e.slot],
        ),
        events.WriteRow: lambda e, names, _, __: (names.request(e.request), names.row(e.rows)),
        events.EndRequest: lambda e, names, _, __: (names.request(e.request),),
        events.Launch: lambda e, names, state, place: (
            e.shipment,
            names.request(e.requests[place % len(e.requests)]),
            names.buffer(e.source, [n for n, is_free in enumerate(state[free]) if is_free]),
            names.stream(e.stream),
        ),
        events.Retire: lambda e, names, _, __: (),
        **_OF_DEVICE,
    }
    return _design("staging-v2", model, fields, words, sizes)


def _bound(seen: Seen, place: int) -> Cells | None:
    if seen.told.bound is None:
        return None
    return {f"request{request}": f"slot{slot}" for request, slot in seen.told.bound}


def _kept(seen: Seen, place: int) -> Cells | None:
    if seen.told.kept is None:
        return None
    return {
        "in order": tuple(f"shipment{one.shipment} in memory{one.source}" for one in seen.told.kept)
    }


# ---- both


_BUFFER = SortType("Buffer", 1 << 30)
_OF_DEVICE: Mapping[type, Words] = {
    events.Observe: lambda e, names, _, __: (),
    events.Finish: lambda e, names, _, __: (names.stream(e.stream),),
}


def places(model: Model) -> dict[str, int]:
    """The number of each variable."""
    return {variable.name: number for number, variable in enumerate(model.variables)}


def _design(
    name: str,
    model: Model,
    fields: tuple[Field, ...],
    words: Mapping[type, Words],
    sizes: Mapping[str, int],
) -> StagedDesign:
    (start,) = initial_states(model)
    return StagedDesign(
        name=name,
        model=model,
        actions={action.name: action for action in model.actions},
        compiled=compiled(model),
        places=places(model),
        start=start,
        fields=fields,
        words=words,
        sizes=sizes,
    )
