"""Our block manager's events as steps of the contract: a slot is a place, a request a user.

It decides the mapping only. The idea: an event says what happened, and what was shown just before
says where: a block's slot and what it cached.
"""

from __future__ import annotations

import kvspec.events as events
from kvcheck.lockstep.contract import Books, ContractJudge
from kvspec.events import BlockId, Detail, Event, Key, Observation, Shape, Shown, SlotId


class PlacesUnseen(ValueError):
    """The manager does not show its slots or its keys, and the mapping needs both."""


class ContractReporter:
    """A reporter that tells the contract's judge; `manager.reporter` for a whole run."""

    detail = Detail.STEPS

    def __init__(self, shape: Shape, *, users_max: int = 64, keys_max: int = 256) -> None:
        self.judge = ContractJudge(
            shape.block_count,
            users_max=users_max,
            keys_max=keys_max,
            pins_max=min(shape.pins_max, 1024),
        )
        self._slot = tuple(SlotId(n) for n in range(shape.block_count))
        self._keys: tuple[Key | None, ...] = (None,) * shape.block_count

    def report(self, event: Event, shown: Shown) -> None:
        """Tell the step, then show the books.

        Raises:
            OutOfContract: the contract does not allow the step, or what is shown is not so.
            PlacesUnseen: the slots or the keys are a blind spot; nothing was told.
        """
        seen = shown.observe()
        if seen.slot is None or seen.keys is None:
            raise _unseen(seen)
        self._tell(event)
        self._slot, self._keys = seen.slot, seen.keys
        self.judge.look(_books(seen, seen.slot, seen.keys))

    def _tell(self, event: Event) -> None:
        judge, slot = self.judge, self._slot
        match event:
            case events.Allocate(request=request, block=block):
                self._evict(block)
                judge.take(slot[block], request)
            case events.OffloadAllocate(request=request, block=block, victim=victim):
                self._evict(block)
                judge.move(slot[victim], slot[block])
                judge.take(slot[victim], request)
            case events.Onboard(block=block, request=request, room=room, key=key):
                self._evict(room)
                judge.move(slot[block], slot[room])
                judge.share(key, slot[room], request)
            case events.Reuse(block=block, request=request, key=key):
                judge.share(key, slot[block], request)
            case events.Commit(block=block, request=request, key=key):
                judge.fill(slot[block], request, key)
            case events.Release(block=block, request=request):
                judge.drop(slot[block], request)
            case events.Pin(block=block):
                judge.pin(slot[block])
            case events.Unpin(block=block):
                judge.unpin(slot[block])
            case events.Complete(source=source, target=target):
                judge.settle(target)
                judge.settle(source)

    def _evict(self, block: BlockId) -> None:
        if self._keys[block] is not None:
            self.judge.evict(self._slot[block])


class Both:
    """Two reporters as one: the design's judge beside the contract's, say."""

    def __init__(self, first: events.Reporter, second: events.Reporter) -> None:
        self._all = (first, second)
        self.detail = max((r.detail for r in self._all), key=lambda d: d is Detail.PARTS)

    def report(self, event: Event, shown: Shown) -> None:
        """Tell both, parts only to those who want them."""
        is_part = isinstance(event, events.Part)
        for reporter in self._all:
            if not is_part or reporter.detail is Detail.PARTS:
                reporter.report(event, shown)


def _books(seen: Observation, slot: tuple[SlotId, ...], keys: tuple[Key | None, ...]) -> Books:
    free = None if seen.free is None else [b for level in seen.free for q in level for b in q]
    return Books(
        available=None if free is None else [slot[b] for b in free],
        available_count=None if seen.free_count is None else sum(seen.free_count),
        users=None if seen.holders is None else {slot[b]: h for b, h in enumerate(seen.holders)},
        contents={slot[b]: key for b, key in enumerate(keys) if key is not None},
        pins=None if seen.pins is None else {slot[b]: n for b, n in enumerate(seen.pins)},
        copies=None if seen.pending is None else [copy for line in seen.pending for copy in line],
    )


def _unseen(seen: Observation) -> PlacesUnseen:
    unseen = " and ".join(name for name in ("slot", "keys") if getattr(seen, name) is None)
    return PlacesUnseen(
        f"The manager's observation has no {unseen}. A place of the contract is a slot, and what"
        " it caches is a key, so without both no event can be told. Show both fields, or tell"
        " `ContractJudge` the steps yourself, which allows blind spots."
    )
