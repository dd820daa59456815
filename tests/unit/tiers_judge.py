"""The tiered pool's design as a judge of the manager, and random calls to be judged.

Small on purpose: it judges by equality of whole states, and of parts it looks at claims only. It is
what the tests of the manager and of its bugs share; the checker's own judge is elsewhere.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import get_args

from block_bench import Bench, key

import kvspec.events as events
from kvimpl.blocks import BlockError, BlockHandle, PinReceipt, PoolSettings, QueueDesign
from kvimpl.blocks.errors import QueueFault
from kvspec.events import Detail, Event, Observation, Part, RequestId, Shown
from kvspec.lang.concrete import Disabled, Stepped, initial_states, step
from kvspec.lang.ir import Model
from kvspec.lang.state import Row, State
from kvspec.models.tiers import TieredPool

REQUESTS = 3
PINS = 2
REFS = 4
COPIES = 2
PARTS = get_args(Part)


def arguments(event: Event) -> tuple[int, ...] | None:
    "The design's arguments, or None: the design has no such action."
    match event:
        case events.Allocate(request=r):
            return (r,)
        case events.OffloadAllocate(request=r, stream=st):
            return (r, st)
        case events.Onboard(block=b, request=r, stream=st):
            return (b, r, st)
        case events.Reuse(block=b, request=r) | events.Commit(block=b, request=r):
            return (b, r)
        case events.Release(block=b, request=r):
            return (b, r)
        case events.Pin(block=b) | events.Unpin(block=b):
            return (b,)
        case events.Complete(stream=st):
            return (st,)
    return None


def as_state(seen: Observation, model: Model) -> State:
    "What is shown, laid out as the design's state."
    assert seen.free is not None
    assert seen.pending is not None
    assert seen.holders is not None
    rows: dict[str, tuple[Row, ...]] = {
        "slot": tuple(seen.slot or ()),
        "holders": tuple(sum(1 << r for r in holders) for holders in seen.holders),
        "refs": tuple(seen.refs or ()),
        "pins": tuple(seen.pins or ()),
        "cached": tuple(int(c) for c in seen.cached or ()),
        "free": tuple(queues[0] for queues in seen.free),
        "nfree": tuple(seen.free_count or ()),
        "pending": tuple(seen.pending),
    }
    return tuple(rows[variable.name] for variable in model.variables)


@cache
def traced(primary: int, secondary: int) -> Model:
    "The design at that size."
    return TieredPool.instance(
        P=primary, S=secondary, R=REQUESTS, REFS=REFS, PINS=PINS, K=COPIES, T=2
    )


@dataclass
class Judge:
    """Takes each step in the design, and compares the state shown with it.

    Of the parts it looks at claims: at the level that was told, the design has the block queued.
    """

    primary: int
    secondary: int
    detail: Detail = Detail.STEPS

    def __post_init__(self) -> None:
        self.model = traced(self.primary, self.secondary)
        self.actions = {action.name: action for action in self.model.actions}
        self.state = initial_states(self.model)[0]
        self.taken: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def report(self, event: Event, shown: Shown) -> None:
        if isinstance(event, PARTS):
            self.check_part(event)
            return
        if isinstance(event, events.Refuse):
            self.check_refusal(event)
        elif (values := arguments(event)) is not None:
            name = event.action
            outcome = step(self.model, self.state, self.actions[name], values)
            assert isinstance(outcome, Stepped), (event, outcome)
            self.state = outcome.state
            self.taken[name] += 1
        assert as_state(shown.observe(), self.model) == self.state, event

    def check_part(self, part: Part) -> None:
        "A claim tells the level at whose queue the block is."
        if isinstance(part, events.Claim):
            names = [variable.name for variable in self.model.variables]
            queue = self.state[names.index("free")][part.level]
            assert isinstance(queue, tuple)
            assert part.block in queue, part

    def check_refusal(self, event: events.Refuse) -> None:
        "The guard that was named is the first that is false in the design."
        self.refused[event.guard] += 1
        names = {"request": event.request, "block": event.block, "stream": event.stream}
        order = {
            "allocate": ("request",),
            "offload_allocate": ("request", "stream"),
            "onboard": ("block", "request", "stream"),
            "pin": ("block",),
            "unpin": ("block",),
        }.get(event.action, ("block", "request"))
        values = tuple(names[name] for name in order)
        assert None not in values, event
        outcome = step(self.model, self.state, self.actions[event.action], values)
        assert isinstance(outcome, Disabled), (event, outcome)
        assert outcome.require.label == event.guard, event


def settings_for(judge: Judge, design: QueueDesign = QueueDesign.NAMED) -> PoolSettings:
    "The settings whose limits are those of the judge's instance."
    return PoolSettings(
        primary_count=judge.primary,
        secondary_count=judge.secondary,
        slot_bytes=4,
        references_max=REFS,
        pins_max=PINS,
        copies_max=COPIES,
        queues=design,
    )


def play(at: Bench, *, seed: int, count: int) -> None:
    "Random calls; refusals are part of the game, anything else is a failure."
    rng = random.Random(seed)
    held: list[tuple[BlockHandle, RequestId]] = []
    pins: list[PinReceipt] = []
    for _ in range(count):
        request, name = RequestId(rng.randrange(REQUESTS)), key(rng.choice("abcde"))
        try:
            match rng.randrange(10):
                case 0 | 1:
                    held.append((at.manager.allocate(request), request))
                case 2 | 3:
                    got = at.manager.acquire(request, name)
                    if isinstance(got, BlockHandle):
                        held.append((got, request))
                case 4 | 5 if held:
                    handle, holder = rng.choice(held)
                    at.manager.commit(handle, holder, name)
                case 6 if held:
                    handle, holder = held.pop(rng.randrange(len(held)))
                    at.manager.release(handle, holder)
                case 7:
                    receipt = at.manager.pin_key(name)
                    pins += [receipt] if receipt else []
                case 8 if pins:
                    at.manager.unpin(pins.pop(rng.randrange(len(pins))))
                case 9:
                    at.device.run(stream=rng.randrange(3), limit=1 + rng.randrange(2))
                    at.manager.poll()
                    at.manager.end_step()
                    at.manager.begin_step()
        except QueueFault:
            raise
        except BlockError:
            continue
