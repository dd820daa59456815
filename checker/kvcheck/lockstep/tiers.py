"""The tiered pool as a design to be judged by: its actions for events, its state in shown words.

It decides how events and observations are worded in the design, not what is allowed. The idea: the
design's state is put into the implementation's words, not the other way round, so that what is
shown is compared as it is, and only the rows that a step wrote are worded again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import repeat
from operator import is_not
from typing import Any, NamedTuple, TypeAlias, cast

import kvspec.events as events
from kvcheck.lockstep.agreement import Reword, Wording
from kvcheck.lockstep.compiled import Compiled, Step, compiled
from kvcheck.lockstep.ghosts import FOLLOWED
from kvspec.events import Event, Level, Observation, RequestId, Shape
from kvspec.lang.concrete import Arguments, initial_states
from kvspec.lang.ir import Action, Model
from kvspec.lang.state import Row, State
from kvspec.models.tiers import TieredPool

REQUESTS_DEFAULT = 64

Rows: TypeAlias = tuple[Row, ...]
Told: TypeAlias = tuple[tuple[str, object, object], ...]
"""What an event tells besides its arguments: the name, the value told, the design's value. Nothing,
if they are all equal."""
AS_IT_IS: Told = ()
# Any: each function takes the one event type under which it is entered
Telling: TypeAlias = Callable[[Any, State, State], Told]


class UnjudgeableShape(ValueError):
    """The design has no reading of a manager of this shape."""


class TooManyRequests(Exception):
    """More requests hold blocks at once than the instance has."""


class _Sets(dict[int, frozenset[RequestId]]):
    """The requests of each mask that was asked for."""

    def __init__(self, name_of: list[RequestId | None]) -> None:
        self.name_of = name_of

    def __missing__(self, mask: int) -> frozenset[RequestId]:
        if len(self) > 4 * len(self.name_of):
            self.clear()
        members, rest = [], mask
        while rest:
            lowest = rest & -rest
            rest ^= lowest
            name = self.name_of[lowest.bit_length() - 1]
            if name is not None:
                members.append(name)
        found = self[mask] = frozenset(members)
        return found


class Requests:
    """Names of requests as numbers of the instance: taken when first met, given back when a sweep
    finds that the request holds nothing, so any number of requests passes through a small sort.
    """

    def __init__(self, count: int) -> None:
        self.name_of: list[RequestId | None] = [None] * count
        self.number_of: dict[RequestId, int] = {}
        self._unused = list(reversed(range(count)))
        self._sets = _Sets(self.name_of)

    def number(self, request: RequestId, holders: Rows) -> int:
        """The request's number; `holders` are the masks of the design's state.

        Raises:
            TooManyRequests: every number's request holds a block.
        """
        known = self.number_of.get(request)
        if known is not None:
            return known
        if not self._unused:
            self._sweep(holders)
        if not self._unused:
            raise TooManyRequests(
                f"{len(self.name_of)} requests hold blocks, and request {request} is one more"
            )
        number = self._unused.pop()
        self.name_of[number] = request
        self.number_of[request] = number
        return number

    def names(self, mask: int) -> frozenset[RequestId]:
        """The requests of a mask."""
        return self._sets[mask]

    def names_of(self, masks: tuple[int, ...]) -> tuple[frozenset[RequestId], ...]:
        """The same for a row of masks."""
        return tuple(map(self._sets.__getitem__, masks))

    def live(self) -> tuple[int, ...]:
        """The numbers in use, lowest first."""
        return tuple(sorted(self.number_of.values()))

    def _sweep(self, holders: Rows) -> None:
        used = 0
        for mask in holders:
            assert isinstance(mask, int)
            used |= mask
        self._sets.clear()
        for request, number in list(self.number_of.items()):
            if not used >> number & 1:
                del self.number_of[request]
                self.name_of[number] = None
                self._unused.append(number)


# Any: each function takes the one event type under which it is entered
Words: TypeAlias = Callable[[Any, Requests, State, Observation], Arguments]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of what is shown: the variable that it shows, and that variable's rows in its words.

    `brings` is applied to what is shown first, where the design knows less than is shown. Rows that
    are `equal_unworded` equal their words, so they need words only to be read by people. `cell` has
    the words of one cell, where they are worth having without the others.
    """

    name: str
    variable: int
    words: Callable[[Rows, Requests], object]
    brings: Callable[[Any], object] | None = None  # Any: the field's own type
    equal_unworded: bool = False
    cell: Callable[[Any, Requests], object] | None = None  # Any: the variable's own type

    @property
    def is_plain(self) -> bool:
        """Whether the rows are shown as they are."""
        return self.words is as_they_are


@dataclass(frozen=True, slots=True)
class Layer:
    """A machine whose state is some rows of a design's, and what it makes of an action's arguments.

    `arguments` gives None for an action that the machine has no guard on.
    """

    model: Model
    actions: Mapping[str, Action]
    rows: slice
    arguments: Callable[[str, Arguments], Arguments | None]


class Reading(NamedTuple):
    """An event's action: how its arguments are worded, its step, what it tells, what it changes.

    `told` gives nothing where all that is told is the design's. Ghosts follow some.
    """

    name: str
    words: Words
    step: Step
    told: Telling | None
    reword: Reword
    is_followed: bool


@dataclass(frozen=True, slots=True)
class Design:
    """A design at one size, compiled once; judges share it.

    `words` has how each type of event is worded in the design; a type that it lacks is a stutter.
    `parameters` names the field of an event that is each parameter of its action. `layers` are the
    machines in the order in which their guards are looked at; the first is `model`, whose rows come
    first in a state. `wording` keeps what is to be shown.
    """

    shape: Shape
    model: Model
    actions: Mapping[str, Action]
    compiled: Compiled
    start: State
    fields: tuple[Field, ...]
    request_count: int
    parameters: Mapping[str, tuple[str, ...]]
    words: Mapping[type, Words]
    layers: tuple[Layer, ...]
    wording: Wording

    def arguments(
        self, event: Event, requests: Requests, state: State, seen: Observation
    ) -> Arguments | None:
        """The arguments of the event's action, or None: the design has no such action.

        Raises:
            TooManyRequests: the instance has no number for the event's request.
        """
        words = self.words.get(type(event))
        return None if words is None else words(event, requests, state, seen)

    def readings(self, rewords: Mapping[str, Reword]) -> Mapping[type, Reading]:
        """How each type of event is taken that is an action of the design."""
        steps = self.compiled.steps
        return {
            kind: Reading(name, words, steps[name], TOLD.get(kind), rewords[name], kind in FOLLOWED)
            for kind, words in self.words.items()
            for name in (str(vars(kind)["action"]),)
        }

    def place(self, name: str) -> int:
        """The number of a variable."""
        return next(n for n, v in enumerate(self.model.variables) if v.name == name)

    @property
    def bound(self) -> str:
        """The size in words, as verdicts say it."""
        shape = self.shape
        return (
            f"P={shape.primary_count}, S={shape.secondary_count}, K={shape.copies_max},"
            f" R={self.request_count}"
            + (f", {shape.priority_count} priorities" if shape.priority_count > 1 else "")
        )


SLOT, HOLDERS, REFS, PINS, CACHED, FREE, NFREE, PENDING = range(8)
ORDER = ("slot", "holders", "refs", "pins", "cached", "free", "nfree", "pending")


def as_they_are(rows: Rows, _: Requests) -> object:
    """Rows that are shown as the design has them."""
    return rows


FIELDS = (
    Field("slot", SLOT, as_they_are),
    Field("refs", REFS, as_they_are),
    Field("pins", PINS, as_they_are),
    Field(
        "holders",
        HOLDERS,
        lambda rows, names: _holders(rows, names),
        cell=lambda mask, names: names.names(mask),
    ),
    Field("cached", CACHED, lambda rows, _: tuple(map(bool, rows)), equal_unworded=True),
    Field(
        "keys",
        CACHED,
        lambda rows, _: tuple(map(bool, rows)),
        lambda keys: tuple(map(is_not, keys, repeat(None))),
        equal_unworded=True,
    ),
    Field("free", FREE, lambda rows, _: tuple(zip(rows, strict=True))),  # one priority a level
    Field("queued", FREE, lambda rows, _: tuple([frozenset(_queue(queue)) for queue in rows])),
    Field("free_count", NFREE, as_they_are),
    Field("pending", PENDING, as_they_are),
)
"""`priority`, `timed` and `expiring` are in no variable of this design; `kept` has them."""


def tiers(shape: Shape, *, request_count: int = REQUESTS_DEFAULT) -> Design:
    """The tiered pool at a manager's sizes; `request_count` may hold blocks at one time.

    Raises:
        UnjudgeableShape: the manager has several priorities, and this design one queue a level.
    """
    if shape.priority_count != 1:
        raise UnjudgeableShape(
            f"The manager has {shape.priority_count} priorities, and the tiered pool has one queue"
            " a level, so it cannot say which block is next. Make the design by `design_for`."
        )
    model = TieredPool.instance(
        P=shape.primary_count,
        S=shape.secondary_count,
        R=request_count,
        REFS=shape.references_max,
        PINS=shape.pins_max,
        K=shape.copies_max,
        T=len(events.Stream),
    )
    names = tuple(variable.name for variable in model.variables)
    assert names == ORDER, names
    (start,) = initial_states(model)
    actions = {action.name: action for action in model.actions}
    made = compiled(model)
    return Design(
        shape=shape,
        model=model,
        actions=actions,
        compiled=made,
        start=start,
        fields=FIELDS,
        request_count=request_count,
        parameters=PARAMETERS,
        words=WORDS,
        layers=(Layer(model, actions, slice(None), lambda _, chosen: chosen),),
        wording=Wording(FIELDS, made.written),
    )


PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "allocate": ("request",),
    "offload_allocate": ("request", "stream"),
    "onboard": ("block", "request", "stream"),
    "reuse": ("block", "request"),
    "commit": ("block", "request"),
    "release": ("block", "request"),
    "pin": ("block",),
    "unpin": ("block",),
    "complete": ("stream",),
}
"""Which field of an event is which parameter of its action, in the action's order."""


def _holders(rows: Rows, requests: Requests) -> tuple[frozenset[RequestId], ...]:
    return requests.names_of(cast("tuple[int, ...]", rows))  # a set's rows are masks


def _queue(row: Row) -> tuple[int, ...]:
    return cast("tuple[int, ...]", row)  # a queue of blocks has ints in it


WORDS: Mapping[type, Words] = {
    events.Allocate: lambda e, names, at, _: (names.number(e.request, at[HOLDERS]),),
    events.OffloadAllocate: lambda e, names, at, _: (
        names.number(e.request, at[HOLDERS]),
        e.stream,
    ),
    events.Onboard: lambda e, names, at, _: (
        e.block,
        names.number(e.request, at[HOLDERS]),
        e.stream,
    ),
    events.Reuse: lambda e, names, at, _: (e.block, names.number(e.request, at[HOLDERS])),
    events.Commit: lambda e, names, at, _: (e.block, names.number(e.request, at[HOLDERS])),
    events.Release: lambda e, names, at, _: (e.block, names.number(e.request, at[HOLDERS])),
    events.Pin: lambda e, _, __, ___: (e.block,),
    events.Unpin: lambda e, _, __, ___: (e.block,),
    events.Complete: lambda e, _, __, ___: (e.stream,),
}


def _told_allocate(event: events.Allocate, before: State, after: State) -> Told:
    free: Any = before[FREE]  # Any: queues of blocks by level
    block = free[Level.PRIMARY][0]
    slot = after[SLOT][block]
    if event.block == block and event.slot == slot:
        return AS_IT_IS
    return (("block", event.block, block), ("slot", event.slot, slot))


def _told_offload(event: events.OffloadAllocate, before: State, after: State) -> Told:
    free: Any = before[FREE]  # Any: queues of blocks by level
    victim, block = free[Level.PRIMARY][0], free[Level.SECONDARY][0]
    if event.victim == victim and event.block == block:
        return AS_IT_IS
    return (("victim", event.victim, victim), ("block", event.block, block))


def _told_onboard(event: events.Onboard, before: State, after: State) -> Told:
    free: Any = before[FREE]  # Any: queues of blocks by level
    room = free[Level.PRIMARY][0]
    return AS_IT_IS if event.room == room else (("room", event.room, room),)


def _told_pin(event: events.Pin, before: State, after: State) -> Told:
    slot = after[SLOT][event.block]
    return AS_IT_IS if event.slot == slot else (("slot", event.slot, slot),)


def _told_complete(event: events.Complete, before: State, after: State) -> Told:
    copies: Any = before[PENDING]  # Any: pairs of slots by stream, oldest first
    source, target = copies[event.stream][0]
    if event.source == source and event.target == target:
        return AS_IT_IS
    return (("source", event.source, source), ("target", event.target, target))


TOLD: Mapping[type, Telling] = {
    events.Allocate: _told_allocate,
    events.OffloadAllocate: _told_offload,
    events.Onboard: _told_onboard,
    events.Pin: _told_pin,
    events.Complete: _told_complete,
}
"""What each type of event tells of its step beside what the design did, if the two differ."""
