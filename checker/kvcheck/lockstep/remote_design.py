"""The design `remote` at a manager's sizes, and where its scheduler stands after each step.

It decides the words in which the shared manager's state is compared with the design's; the judge
takes the steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from kvcheck.lockstep.agreement import Wording
from kvcheck.lockstep.compiled import compiled
from kvcheck.lockstep.tiers import Design, Field, Layer, Requests, Rows, as_they_are
from kvimpl.shared import steps
from kvspec.events import BlockId, Shape, SlotId, Stream
from kvspec.lang.concrete import initial_states
from kvspec.models.remote import SharedPool
from kvspec.models.remote import Stream as DesignStream

READERS_DEFAULT = 2


class Seen(NamedTuple):
    """What is shown, in the design's words."""

    slot: tuple[SlotId, ...]
    refs: tuple[int, ...]
    in_table: tuple[bool, ...]
    in_hand: tuple[bool, ...]
    cached: tuple[bool, ...]
    free: tuple[tuple[BlockId, ...], ...]
    free_count: tuple[int, ...]
    noted: tuple[bool, ...]


FACTS = ("in_table", "in_hand", "cached", "noted")


def _as_facts(rows: Rows, _: Requests) -> object:
    return tuple(map(bool, rows))


@cache
def remote(shape: Shape, *, reader_count: int = READERS_DEFAULT) -> Design:
    """The design at a manager's sizes, for so many pins at one time."""
    model = SharedPool.instance(
        P=shape.primary_count,
        S=shape.secondary_count,
        R=reader_count,
        REFS=shape.references_max,
    )
    numbers = {variable.name: number for number, variable in enumerate(model.variables)}
    fields = tuple(
        Field(name, numbers[name], _as_facts if name in FACTS else as_they_are)
        for name in Seen._fields
    )
    (start,) = initial_states(model)
    actions = {action.name: action for action in model.actions}
    made = compiled(model)
    return Design(
        shape=shape,
        model=model,
        actions=actions,
        compiled=made,
        start=start,
        fields=fields,
        request_count=1,
        parameters={},
        words={},
        layers=(Layer(model, actions, slice(None), lambda _, chosen: chosen),),
        wording=Wording(fields, made.written),
    )


_IDLE = ("idle",)
STANDS: Mapping[type, tuple[str, ...]] = {
    steps.Allocated: _IDLE,
    steps.NothingFree: _IDLE,
    steps.ClaimedDown: ("claimed",),
    steps.ClaimedUp: ("matched",),
    steps.Joined: _IDLE,
    steps.Missed: _IDLE,
    steps.Sent: ("sent", "coming"),
    steps.Swapped: ("swapped", "came"),
    steps.Stayed: _IDLE,
    steps.Arrived: _IDLE,
    steps.Released: _IDLE,
}
"""Where the design's scheduler may stand after each of the scheduler's steps."""

STREAM: Mapping[Stream, DesignStream] = {
    Stream.OFFLOAD: DesignStream.OFFLOAD,
    Stream.ONBOARD: DesignStream.ONBOARD,
}
"""The design's name of a copy stream."""
