"""The native reading: a machine's own methods run as ordinary Python, line by line in a debugger.

It decides how a state becomes Python objects and back, and drives one walk of moves; the meaning
of each line is Python's. Used to hold the traced model to what the author wrote. A generator that
refused a step cannot be resumed, so a walk is replayed from its start after a refusal.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from kvspec.lang import containers
from kvspec.lang.concrete import Arguments
from kvspec.lang.declarations import (
    Declaration,
    FifoShape,
    MapShape,
    RecordShape,
    Resolver,
    Shape,
    declarations,
    encode,
    flat_name,
)
from kvspec.lang.ir import Action, Model, Property, Variable
from kvspec.lang.machine import Machine, members
from kvspec.lang.sorts import Disabling, Sort, is_sort, running
from kvspec.lang.sources import Library
from kvspec.lang.standing import Standing, watching
from kvspec.lang.state import Element, Row, State, blank_row, blank_state, row_indices, row_number
from kvspec.lang.threads import DONE, START, label_of, yields
from kvspec.lang.types import (
    BoolType,
    EnumType,
    FifoType,
    ScalarType,
    SetType,
    SortType,
    value_count,
)


@dataclass(frozen=True, slots=True)
class NativeStep:
    """What a native step did: the state after it, or why there is none."""

    state: State | None
    refused: str = ""
    failed: str = ""


class Natives:
    """Turns cells into Python objects and back, for one machine at one choice of sizes."""

    def __init__(self, machine: type[Machine], model: Model) -> None:
        self.machine, self.model = machine, model
        self.sizes = dict(model.sizes)
        scopes = [vars(inspect.getmodule(c)) for c in machine.__mro__ if c is not object]
        self.classes = {
            v.__name__: v
            for scope in scopes
            for v in scope.values()
            if is_sort(v) or (inspect.isclass(v) and issubclass(v, enum.Enum))
        }
        self.declared = declarations(machine, Resolver(self.sizes), Library())
        self.variables = {v.name: v for v in model.variables}
        self.places = {v.name: k for k, v in enumerate(model.variables)}

    def value(self, kind: ScalarType, code: int) -> object:
        """The native value that an int stands for."""
        match kind:
            case BoolType():
                return bool(code)
            case EnumType(name=name):
                return list(self.classes[name])[code]
            case SortType(name=name):
                found = self.classes[name]
                assert issubclass(found, Sort)
                return found(code)
        return code

    def load(self, state: State) -> Machine:
        """A machine object in this state, with its constants."""
        loaded = object.__new__(self.machine)
        for declared in self.declared:
            setattr(loaded, declared.name, self._object(declared, declared.shape, (), state))
        return loaded

    def _object(
        self, declared: Declaration, shape: Shape, index: tuple[int, ...], state: State
    ) -> object:
        name = declared.name
        if isinstance(shape, MapShape):
            return self._map(declared, shape, index, state)
        if isinstance(shape, RecordShape):
            fields = {
                f: self.value(kind, _int(self._row(flat_name(name, f), index, state)))
                for f, kind in shape.type.fields
            }
            return shape.owner(**fields)
        constant = next((c for c in self.model.constants if c.name == name), None)
        if constant is not None:
            return self.value(constant.type, constant.table[row_number(constant.dims, index)])
        row = self._row(name, index, state)
        if isinstance(shape, FifoShape):
            return self._queue(shape, row)
        if isinstance(shape, SetType):
            kind = shape.element
            held = [k for k in range(value_count(kind)) if _int(row) >> k & 1]
            return containers.Set(encode, [self.value(kind, kind.low + k) for k in held])
        return self.value(shape, _int(row))

    def _map(
        self, declared: Declaration, shape: MapShape, index: tuple[int, ...], state: State
    ) -> object:
        cells = {
            self.value(shape.key, k): self._object(declared, shape.value, (*index, k), state)
            for k in range(shape.key.low, shape.key.high + 1)
        }
        if shape.constant:
            return containers.Constant(cells)
        return containers.Map(cells, _range_check(shape.value))

    def _queue(self, shape: FifoShape, row: Row) -> object:
        assert isinstance(row, tuple)
        items = [self._element(shape, item) for item in row]
        made = containers.UniqueFifo if shape.type.unique else containers.Fifo
        return made(shape.type.capacity, items)

    def _element(self, shape: FifoShape, item: Element) -> object:
        if shape.record is None:
            ((_, kind),) = shape.type.fields
            return self.value(kind, _int(item))
        assert isinstance(item, tuple)
        named = zip(shape.type.fields, item, strict=True)
        return shape.record.owner(**{f: self.value(kind, code) for (f, kind), code in named})

    def _row(self, name: str, index: tuple[int, ...], state: State) -> Row:
        variable = self.variables[name]
        return state[self.places[name]][row_number(variable.dims, index)]

    def store(self, loaded: Machine, own: dict[str, dict[tuple[int, ...], int]]) -> State:
        """The state that a machine object is in; `own` holds the cells of its threads."""
        rows: list[tuple[Row, ...]] = []
        for variable in self.model.variables:
            indices = list(row_indices(variable.dims))
            if variable.name in own:
                rows.append(tuple(own[variable.name][index] for index in indices))
            else:
                rows.append(tuple(self._cell(loaded, variable, index) for index in indices))
        return tuple(rows)

    def _cell(self, loaded: Machine, variable: Variable, index: tuple[int, ...]) -> Row:
        names = {d.name for d in self.declared}
        name, _, record_field = variable.name.partition("__")
        if variable.name in names:
            name, record_field = variable.name, ""
        found: Any = getattr(loaded, name)  # Any: a container of the machine, by its declaration
        for dim, code in zip(variable.dims, index, strict=True):
            found = found[self.value(dim, code)]
        if record_field:
            found = getattr(found, record_field)
        return _encoded(variable, found)


def _suspended(generator: Any) -> tuple[int, dict[str, Any]]:  # Any: typeshed hides gi_frame
    """The line a generator stands at, and its locals."""
    return generator.gi_frame.f_lineno, inspect.getgeneratorlocals(generator)


def _int(row: Row | Element) -> int:
    assert isinstance(row, int)
    return row


def _range_check(shape: Shape) -> Callable[[object], None]:
    def check(value: object) -> None:
        low, high = getattr(shape, "low", None), getattr(shape, "high", None)
        if low is not None and high is not None and not low <= encode(value) <= high:
            raise containers.OperationFailed(f"{value!r} is out of range {low}..{high}")

    return check


def _encoded(variable: Variable, found: Any) -> Row:  # Any: what stands in that cell
    leaf = variable.leaf
    if isinstance(leaf, SetType):
        return sum(1 << (encode(item) - leaf.element.low) for item in found)
    if isinstance(leaf, FifoType):
        names = [name for name, _ in leaf.fields]
        if names == [""]:
            return tuple(encode(item) for item in found)
        return tuple(tuple(encode(getattr(item, n)) for n in names) for item in found)
    code = encode(found)
    if not leaf.low <= code <= leaf.high:
        raise containers.OperationFailed(f"{variable.name} is out of range")
    return code


@dataclass
class NativeWalk:
    """One walk of a machine's own methods from an initial state, one move at a time."""

    natives: Natives
    start: Arguments = ()
    moves: list[tuple[Action, Arguments]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        natives = self.natives
        self._marked = members(natives.machine)
        self._yield_lines: dict[str, dict[int, str]] = {}
        self._threads: dict[tuple[str, Arguments], Generator[object, None, None]] = {}
        self._own = {
            v.name: dict.fromkeys(row_indices(v.dims), _int(blank_row(v)))
            for v in natives.model.variables
            if "__" in v.name and v.name.partition("__")[0] in self._marked
        }
        self._machine = natives.load(blank_state(natives.model))
        begin = natives.model.init
        self._call(begin.name, begin, self.start)

    def state(self) -> State:
        """The state the walk has reached."""
        return self.natives.store(self._machine, self._own)

    def holds(self, prop: Property) -> bool:
        """Whether the property's own method says yes here."""
        with running(self.natives.sizes), watching(self._where_is):
            method: Any = getattr(self._machine, prop.name)  # Any: a method by its name
            return bool(method())

    def _where_is(self, thread: str, arguments: tuple[object, ...]) -> Standing:
        """Where a thread stands, and the values of its own variables."""
        index = tuple(encode(argument) for argument in arguments)
        places = (START, *self._labels(thread), DONE)
        own = {
            name.partition("__")[2]: self.natives.value(variable.leaf, cells[index])
            for name, cells in self._own.items()
            if name.partition("__")[0] == thread and name != flat_name(thread, "at")
            for variable in [self.natives.variables[name]]
            if not isinstance(variable.leaf, FifoType | SetType)
        }
        return Standing(places[self._own[flat_name(thread, "at")][index]], own)

    def take(self, action: Action, arguments: Arguments) -> NativeStep:
        """Make one move; after a refusal or failure the walk stands where it stood before."""
        before = self.state()
        resumed = False
        try:
            if action.thread:
                generator = self._thread_at(action, arguments)
                resumed = True
                self._resume(generator, action, arguments)
            else:
                self._call(action.name, action, arguments)
            reached = self.state()
        except Disabling as refusal:
            self._undo(before, replay=resumed)
            return NativeStep(None, refused=str(refusal))
        except (AssertionError, StopIteration, RuntimeError) as failure:
            self._undo(before, replay=resumed)
            return NativeStep(None, failed=f"{type(failure).__name__}: {failure}")
        self.moves.append((action, arguments))
        return NativeStep(reached)

    def _undo(self, before: State, *, replay: bool) -> None:
        if not replay:
            vars(self._machine).update(vars(self.natives.load(before)))
            return
        moves, self.moves = self.moves, []
        self._begin()
        for action, arguments in moves:
            self.take(action, arguments)

    def _native_arguments(self, action: Action, arguments: Arguments) -> list[object]:
        pairs = zip(action.parameters, arguments, strict=True)
        return [self.natives.value(p.type, code) for p, code in pairs]

    def _call(self, name: str, action: Action, arguments: Arguments) -> None:
        with running(self.natives.sizes):
            method: Any = getattr(self._machine, name)  # Any: a method by its name
            method(*self._native_arguments(action, arguments))

    def _thread_at(self, action: Action, arguments: Arguments) -> Generator[object, None, None]:
        key = (action.thread, arguments)
        label = action.name.partition("__")[2]
        places = (START, *self._labels(action.thread), DONE)
        if places[self._own[flat_name(action.thread, "at")][arguments]] != label:
            raise Disabling(f"stands at {label}")
        if key not in self._threads:
            method: Any = getattr(self._machine, action.thread)  # Any: a method by its name
            self._threads[key] = method(*self._native_arguments(action, arguments))
        return self._threads[key]

    def _resume(
        self, generator: Generator[object, None, None], action: Action, arguments: Arguments
    ) -> None:
        standing = self._own[flat_name(action.thread, "at")]
        labels = self._labels(action.thread)
        try:
            with running(self.natives.sizes):
                next(generator)
        except StopIteration:
            standing[arguments] = len(labels) + 1
            self._keep(action, arguments, {})
            return
        line, found = _suspended(generator)
        standing[arguments] = 1 + labels.index(self._label_at(action.thread, line))
        self._keep(action, arguments, found)

    def _keep(self, action: Action, arguments: Arguments, found: dict[str, Any]) -> None:
        for name, cells in self._own.items():
            thread, _, variable = name.partition("__")
            if thread == action.thread and variable != "at":
                blank = _int(blank_row(self.natives.variables[name]))
                cells[arguments] = encode(found[variable]) if variable in found else blank

    def _labels(self, thread: str) -> list[str]:
        return list(self._lines(thread).values())

    def _label_at(self, thread: str, line: int) -> str:
        return self._lines(thread)[line]

    def _lines(self, thread: str) -> dict[int, str]:
        """The label of each yield of a thread, by its line."""
        if thread not in self._yield_lines:
            tree = Library().method(self._marked[thread][0].function).tree
            numbered = enumerate(yields(tree.body), 1)
            self._yield_lines[thread] = {n.lineno: label_of(n, k) for k, n in numbered}
        return self._yield_lines[thread]


__all__ = ["NativeStep", "NativeWalk", "Natives"]
