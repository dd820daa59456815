"""What the design does not count and an implementation shows: generations, keys and owners.

It decides what they are after each event, not whether the event was allowed. The idea: a block's
generation counts how often it was handed out, so it follows from the steps alone; the judge keeps
it beside the design's state, as a ghost.
"""

from __future__ import annotations

from collections.abc import Iterator

import kvspec.events as events
from kvcheck.lockstep.refusal import Disagreement
from kvspec.events import BlockId, Event, Generation, Key, Observation, RequestId

NAMES = ("generations", "keys")
FOLLOWED = frozenset({events.Commit, events.Onboard, events.Allocate, events.OffloadAllocate})
"""The types of events that change a ghost."""


class Ghosts:
    """By block: its generation, its key while it is cached, and who it was last handed out to."""

    def __init__(self, block_count: int) -> None:
        self.generations: tuple[Generation, ...] = (Generation(0),) * block_count
        self.keys: tuple[Key | None, ...] = (None,) * block_count
        self.owners: list[RequestId | None] = [None] * block_count

    def take(self, event: Event) -> Disagreement | None:
        """Follow a step that was allowed; the generation that it told, if that is wrong."""
        match event:
            case events.Commit(block=block, key=key):
                self._cache(block, key)
            case events.Onboard(room=room):
                self._cache(room, None)
            case events.Allocate() | events.OffloadAllocate():
                return self._hand_out(event)
        return None

    def differences(self, seen: Observation) -> Iterator[Disagreement]:
        """The generations and keys that are shown and wrong."""
        for name, wanted in zip(NAMES, (self.generations, self.keys), strict=True):
            shown = getattr(seen, name)
            if shown is None or shown == wanted:
                continue
            if len(shown) != len(wanted):
                yield Disagreement(name, name, str(shown), str(wanted))
            for block, (mine, own) in enumerate(zip(shown, wanted, strict=False)):
                if mine != own:
                    yield Disagreement(name, f"{name}[block{block}]", str(mine), str(own))

    def _hand_out(self, event: events.Allocate | events.OffloadAllocate) -> Disagreement | None:
        block, counts = event.block, list(self.generations)
        wanted, told = Generation(counts[block] + 1), event.generation
        # What was told right is kept as the object that it is: it is shown again, and again.
        counts[block] = told if told == wanted and type(told) is int else wanted
        self.generations = tuple(counts)
        self.owners[block] = event.request
        self._cache(block, None)
        if told == wanted:
            return None
        cell = f"{type(event).__name__}.generation"
        return Disagreement("generation", cell, str(told), str(wanted))

    def _cache(self, block: BlockId, key: Key | None) -> None:
        if self.keys[block] != key:
            keys = list(self.keys)
            keys[block] = key
            self.keys = tuple(keys)
