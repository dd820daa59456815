"""The states of a run as pictures in words: strips for queues, grids for maps, one frame a step.

It decides what is drawn where and in which hue; the page decides the looks. The idea: maps that
are indexed by the same things share a grid, so that everything about one block stands in one
column, and each element carries the hue of the enum value it belongs to (a block that of its
level), found directly or over one map, as `tier[slot[block2]]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kvcheck.report.cells import Cells, difference, elements, is_collection, parse_cell
from kvcheck.trace.record import Effect, RunRecord, RunStep, Shape, ShapeKind

NO_HUE = -1


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a queue: an element that stays, has come or has just gone, or nothing."""

    text: str
    hue: int
    state: str  # "kept", "came", "gone" or "empty"


@dataclass(frozen=True, slots=True)
class Strip:
    """A queue, oldest first; its hue is that of the enum value it is kept for, if any."""

    label: str
    places: tuple[Place, ...]
    count: int
    hue: int
    is_changed: bool
    is_blamed: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """One scalar or set; `before` is empty where the step did not change it."""

    value: str
    before: str
    hue: int
    is_blamed: bool


@dataclass(frozen=True, slots=True)
class Grid:
    """Maps over the same keys: a column a key, a row a map."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """One moment: the state after `step`, which is `None` for the first."""

    number: int
    step: RunStep | None
    strips: tuple[Strip, ...]
    grids: tuple[Grid, ...]
    effects: tuple[Effect, ...]


def frames(record: RunRecord) -> tuple[Frame, ...]:
    """The first state and the state after each step."""
    cells: Cells = dict(record.initial)
    picture = _Picture(record)
    found = [picture.frame(None, cells, cells)]
    for step in record.steps:
        after = cells | {change.cell: change.after for change in step.changes}
        found.append(picture.frame(step, cells, after))
        cells = after
    return tuple(found)


def legend(record: RunRecord) -> tuple[tuple[str, int], ...]:
    """The enum values that occur, each with its hue."""
    return tuple(_hues(record).items())


def _hues(record: RunRecord) -> dict[str, int]:
    """A hue for each value of an enum that is kept for something: `tier[slot0]`, not `stage`."""
    cells = [*record.constants, *record.initial, *record.final]
    keyed = {_root(name) for name, _ in cells if parse_cell(name).keys}
    enums = {s.name for s in record.shapes if s.kind is ShapeKind.ENUM and s.name in keyed}
    queues = {shape.name for shape in record.shapes if shape.kind is ShapeKind.QUEUE}
    values = [value for name, value in cells if parse_cell(name).variable in enums]
    values += [c.after for step in record.steps for c in step.changes if _root(c.cell) in enums]
    found = dict.fromkeys(values)
    # a queue's key is an enum value only if something else says so
    keys = [k for name, _ in cells if _root(name) in queues for k in parse_cell(name).keys]
    ordered = [key for key in dict.fromkeys(keys) if key in found]
    ordered += [value for value in found if value not in ordered]
    return {value: number for number, value in enumerate(ordered)}


def _bare(item: str) -> str:
    return item.removeprefix("(").removesuffix(")")


def _root(cell: str) -> str:
    return parse_cell(cell).variable


class _Picture:
    """What is the same in each frame: shapes, constants, hues, and which cells to blame."""

    def __init__(self, record: RunRecord) -> None:
        self.shapes: Mapping[str, Shape] = {shape.name: shape for shape in record.shapes}
        self.constants: Cells = dict(record.constants)
        self.hues = _hues(record)
        self.last = len(record.steps)
        values = record.violation.values if record.violation else ()
        self.blamed = frozenset(name for name, _ in values)

    def frame(self, step: RunStep | None, before: Cells, after: Cells) -> Frame:
        """The picture of `after`, with what differs from `before` marked."""
        queues = [name for name in after if self._kind(name) is ShapeKind.QUEUE]
        number = step.number if step else 0
        blamed = self.blamed if number == self.last else frozenset()
        return Frame(
            number=number,
            step=step,
            strips=tuple(self._strip(name, before[name], after, blamed) for name in queues),
            grids=self._grids(before, after, blamed),
            effects=step.effects if step else (),
        )

    def _kind(self, cell: str) -> ShapeKind:
        shape = self.shapes.get(_root(cell))
        return shape.kind if shape else ShapeKind.SCALAR

    def _strip(self, name: str, before: str, after: Cells, blamed: frozenset[str]) -> Strip:
        now = elements(after[name])
        gone, came = difference(before, after[name])
        places = [Place(_bare(item), self._hue(item, after), "gone") for item in gone]
        fresh = list(came)
        for item in now:
            state = "came" if item in fresh else "kept"
            if state == "came":
                fresh.remove(item)
            places.append(Place(_bare(item), self._hue(item, after), state))
        shape = self.shapes.get(_root(name))
        spare = max(0, (shape.capacity if shape else 0) - len(now))
        places += [Place("", NO_HUE, "empty")] * spare
        hues = [self.hues[key] for key in parse_cell(name).keys if key in self.hues]
        return Strip(
            label=name,
            places=tuple(places),
            count=len(now),
            hue=hues[0] if hues else NO_HUE,
            is_changed=before != after[name],
            is_blamed=name in blamed,
        )

    def _hue(self, item: str, cells: Cells) -> int:
        """The hue of the enum value that the element is, has, or is led to by one map."""
        if item in self.hues:
            return self.hues[item]
        known = self.constants | cells
        for value in self._led_to(item, known):
            if value in self.hues:
                return self.hues[value]
        for step in self._led_to(item, known):
            for value in self._led_to(step, known):
                if value in self.hues:
                    return self.hues[value]
        return NO_HUE

    def _led_to(self, item: str, known: Cells) -> list[str]:
        """What the scalar maps with this one key give, enums first."""
        found = [
            (self._kind(name) is not ShapeKind.ENUM, known[f"{name}[{item}]"])
            for name, shape in self.shapes.items()
            if shape.kind in (ShapeKind.ENUM, ShapeKind.SCALAR) and f"{name}[{item}]" in known
        ]
        return [value for _, value in sorted(found, key=lambda pair: pair[0])]

    def _grids(self, before: Cells, after: Cells, blamed: frozenset[str]) -> tuple[Grid, ...]:
        rows: dict[str, dict[str, Cell]] = {}
        for name, value in after.items():
            if self._kind(name) is ShapeKind.QUEUE:
                continue
            parsed = parse_cell(name)
            *outer, column = parsed.keys or ("",)
            label = parsed.variable + "".join(f"[{key}]" for key in outer)
            old = before[name] if before[name] != value else ""
            hue = NO_HUE if is_collection(value) else self._hue(value, after)
            rows.setdefault(label, {})[column] = Cell(value, old, hue, name in blamed)
        grids: dict[tuple[str, ...], list[tuple[str, tuple[Cell, ...]]]] = {}
        for label, by_column in rows.items():
            grids.setdefault(tuple(by_column), []).append((label, tuple(by_column.values())))
        ordered = sorted(grids.items(), key=lambda item: -len(item[0]))
        return tuple(Grid(columns, tuple(found)) for columns, found in ordered)
