"""What one line inside a call did, in words that a design which is cut as fine shares.

It decides nothing: a reading compares the two. The idea: blocks have other names on either side
and slots have not, so a line's effect is said in slots: which ones left a queue, by how much each
level's counter changed, what moved where, and which copy was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import cast

from kvcheck.bridge.contents import row_of
from kvspec.events import Event, Observation, SendCopy
from kvspec.lang.ir import Model
from kvspec.lang.state import State

Ints = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """A step or a line of one that the manager told, and what it showed before and after it."""

    told: Event
    before: Observation
    after: Observation


@dataclass(frozen=True, slots=True)
class Effect:
    """`left` are the slots whose blocks left a queue; `counts` the change of each level's counter.

    `moved` has the old and the new slot of every block that changed its own; `copy` the source and
    target of the copy that was sent.
    """

    left: frozenset[int]
    counts: Ints
    moved: frozenset[tuple[int, int]]
    copy: tuple[int, int] | None


def effect_heard(heard: Heard) -> Effect:
    """What a line of the manager did."""
    part, before, after = heard.told, heard.before, heard.after
    copy = (int(part.source), int(part.target)) if isinstance(part, SendCopy) else None
    return _effect(_shown(before), _shown(after), copy)


def effect_in(model: Model, before: State, after: State) -> Effect:
    """What a step of a design with `slot`, `free`, `nfree` and `copy` did."""
    had, has = (
        cast("tuple[tuple[tuple[int, int], ...]]", row_of(model, state, "copy"))[0]
        for state in (before, after)
    )
    sent = has[-1] if len(has) > len(had) else None
    return _effect(_of_design(model, before), _of_design(model, after), sent)


def _effect(
    before: tuple[Ints, frozenset[int], Ints],
    after: tuple[Ints, frozenset[int], Ints],
    copy: tuple[int, int] | None,
) -> Effect:
    slot, queued, counts = before
    new_slot, still_queued, new_counts = after
    return Effect(
        frozenset(slot[b] for b in queued - still_queued),
        tuple(new - old for old, new in zip(counts, new_counts, strict=True)),
        frozenset((old, new) for old, new in zip(slot, new_slot, strict=True) if old != new),
        copy,
    )


def _shown(seen: Observation) -> tuple[Ints, frozenset[int], Ints]:
    if seen.slot is None or seen.free is None or seen.free_count is None:
        raise ValueError("A manager that shows no slots, queues or counters has no lines to read.")
    queued = frozenset(map(int, chain.from_iterable(chain.from_iterable(seen.free))))
    return tuple(map(int, seen.slot)), queued, tuple(seen.free_count)


def _of_design(model: Model, state: State) -> tuple[Ints, frozenset[int], Ints]:
    slot = cast("Ints", row_of(model, state, "slot"))
    queues = cast("Sequence[Ints]", row_of(model, state, "free"))
    return slot, frozenset(chain.from_iterable(queues)), cast("Ints", row_of(model, state, "nfree"))
