"""The tiered pool with priorities: two designs that take each step together.

It decides how the two are joined, not what either allows: `tiers` says who owns what, `retention`
who is evicted next and what awaits expiry. The idea: the one queue a level of the tiered pool is
the queues by priority one after the other, lowest first, so its front is the block that is next;
and a block in a reader's or a copy's hands is, for retention, a block in use.

What a request asked for is no event: it is read from what is shown after the step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import kvspec.events as events
from kvcheck.lockstep.agreement import Wording
from kvcheck.lockstep.compiled import OUTSIDE, Compiled, Step, Written, compiled
from kvcheck.lockstep.priorities import at_priorities
from kvcheck.lockstep.tiers import (
    FIELDS,
    FREE,
    PARAMETERS,
    REQUESTS_DEFAULT,
    SLOT,
    WORDS,
    Design,
    Field,
    Layer,
    Requests,
    Rows,
    Words,
    as_they_are,
    tiers,
)
from kvspec.events import BlockId, Level, Observation, Shape
from kvspec.lang.concrete import Arguments, initial_states
from kvspec.lang.ir import Action
from kvspec.lang.state import State
from kvspec.models.retention import RetentionPool

ORDER = ("slot", "held", "priority", "timed", "expiring", "free", "nfree", "asked_for_a_time")
OWN_SLOT, HELD, PRIORITY, TIMED, EXPIRING, QUEUES, COUNTS, ASKED = range(len(ORDER))
POOL_ROWS = 8
ASKING = ("allocate", "offload_allocate")
"""The actions in which a request says how its block is to be kept."""


class Untold(Exception):
    """What a request asked for is not shown, so nobody can know which block is next."""


def design_for(shape: Shape, *, request_count: int = REQUESTS_DEFAULT) -> Design:
    """The design that reads a manager of this shape; `request_count` hold blocks at one time."""
    if shape.priority_count == 1:
        return tiers(shape, request_count=request_count)
    return kept(shape, request_count=request_count)


def kept(shape: Shape, *, request_count: int = REQUESTS_DEFAULT) -> Design:
    """The tiered pool and the retention pool as one, with the manager's own priorities.

    Raises:
        UnjudgeableShape: the default is none of them.
    """
    one_queue = tiers(_one_priority(shape), request_count=request_count)
    model = at_priorities(
        RetentionPool.instance(P=shape.primary_count, S=shape.secondary_count), shape
    )
    assert tuple(v.name for v in model.variables) == ORDER
    assert len(one_queue.model.variables) == POOL_ROWS
    own = {action.name: action for action in model.actions}
    made = compiled(model)
    (start,) = initial_states(model)
    actions = {name: _joined(action, own) for name, action in one_queue.actions.items()}
    actions["expire"] = own["expire"]
    both = _Both(one_queue.compiled, made, shape)
    everything: Written = dict.fromkeys(range(POOL_ROWS + len(start)))
    joint = Compiled(
        {name: both.step(name) for name in actions},
        one_queue.compiled.checks + made.checks,
        dict.fromkeys(actions, everything),
        one_queue.compiled.source + made.source,
    )
    fields = tuple(_fields(shape))
    return Design(
        shape=shape,
        model=one_queue.model,
        actions=actions,
        compiled=joint,
        start=one_queue.start + start,
        fields=fields,
        request_count=request_count,
        parameters={
            **PARAMETERS,
            "allocate": ("request", "priority", "timed"),
            "offload_allocate": ("request", "stream", "priority", "timed"),
            "expire": ("block",),
        },
        words={
            **WORDS,
            events.Allocate: _asked(events.Allocate),
            events.OffloadAllocate: _asked(events.OffloadAllocate),
            events.Expire: lambda e, _, __, ___: (e.block,),
        },
        layers=(
            Layer(one_queue.model, one_queue.actions, slice(0, POOL_ROWS), _of_pool),
            Layer(model, own, slice(POOL_ROWS, None), _of_keeping),
        ),
        wording=Wording(fields, joint.written),
    )


# ---- arguments


def _asked(kind: type[events.Allocate | events.OffloadAllocate]) -> Words:
    """The arguments in the tiered pool, and what the request asked for."""
    own = WORDS[kind]

    def words(
        event: events.Allocate | events.OffloadAllocate,
        requests: Requests,
        state: State,
        seen: Observation,
    ) -> Arguments:
        if seen.priority is None or seen.timed is None:
            raise Untold("blind to priority or timed, so the queues cannot be followed")
        chosen, block = own(event, requests, state, seen), event.block
        return (*chosen, seen.priority[block], int(seen.timed[block]))

    return words


def _of_pool(name: str, chosen: Arguments) -> Arguments | None:
    if name == "expire":
        return None
    return chosen[:-2] if name in ASKING else chosen


def _of_keeping(name: str, chosen: Arguments) -> Arguments | None:
    if name in ASKING:
        return chosen[-2:]
    return chosen if name == "expire" else None


def _joined(action: Action, own: dict[str, Action]) -> Action:
    """The action with what is asked for beside its own arguments."""
    if action.name not in ASKING:
        return action
    return replace(action, parameters=action.parameters + own[action.name].parameters)


# ---- a step of both


class _Both:
    """The tiered pool's step, then retention's; a false check of either is a false check."""

    def __init__(self, pool: Compiled, keeping: Compiled, shape: Shape) -> None:
        self.pool, self.keeping, self.shape = pool, keeping, shape
        self.first = len(pool.checks)

    def step(self, name: str) -> Step:
        """The joint step of an action."""

        def expire(state: State, chosen: Arguments) -> State | int:
            after = self.keeping.steps["expire"](state[POOL_ROWS:], chosen)
            if isinstance(after, int):
                return self._check(after)
            return self._one(state[:POOL_ROWS], after)

        def both(state: State, chosen: Arguments) -> State | int:
            before, keeping = state[:POOL_ROWS], state[POOL_ROWS:]
            own = _of_pool(name, chosen)
            assert own is not None
            pool = self.pool.steps[name](before, own)
            if isinstance(pool, int):
                return pool
            after = self._follow(name, chosen, before, pool, keeping)
            return self._check(after) if isinstance(after, int) else self._one(pool, after)

        return expire if name == "expire" else both

    def _check(self, own: int) -> int:
        """The number of a check of retention's among all."""
        return own if own == OUTSIDE else self.first + own

    def _follow(
        self, name: str, chosen: Arguments, before: State, pool: State, keeping: State
    ) -> State | int:
        steps = self.keeping.steps
        if name in ASKING:
            after = steps[name](keeping, chosen[-2:])
            if isinstance(after, int) or name == "allocate":
                return after
            return self._taken(after, BlockId(_queue(before, Level.PRIMARY)[0]))
        if name == "onboard":
            room = _queue(before, Level.PRIMARY)[0]
            after = self._taken(self._taken(keeping, BlockId(chosen[0])), BlockId(room))
            return self._brought_home(after, pool, BlockId(room))
        if before[FREE] == pool[FREE]:
            return keeping
        for block in _newly(pool, before):
            keeping = self._taken(keeping, block)
        for block in _newly(before, pool):
            released = steps["release"](keeping, (block,))
            assert not isinstance(released, int), "a block that joins a queue was in use"
            keeping = released
        return keeping

    def _one(self, pool: State, keeping: State) -> State:
        """Both states, the tiered pool's queues in the order in which retention has them."""
        queues = cast("tuple[tuple[int, ...], ...]", keeping[QUEUES])
        width = self.shape.priority_count
        free = tuple(
            [sum(queues[level * width : (level + 1) * width], ()) for level in range(len(Level))]
        )
        assert all(map(_same, free, pool[FREE])), "both designs queue the same blocks"
        return (*pool[:FREE], free, *pool[FREE + 1 :], *keeping)

    def _taken(self, keeping: State, block: BlockId) -> State:
        """The block is in use, and in no queue: retention's claim, for readers and copies too."""
        rows, width = [list(row) for row in keeping], self.shape.priority_count
        for place, queue in enumerate(cast("tuple[tuple[int, ...], ...]", keeping[QUEUES])):
            if block in queue:
                rows[QUEUES][place] = tuple([b for b in queue if b != block])
                rows[COUNTS][place // width] -= 1  # type: ignore[operator]  # counts are ints
        rows[EXPIRING][0] &= ~(1 << block)  # type: ignore[operator]  # a set's row is a mask
        rows[HELD][block] = 1
        return tuple(map(tuple, rows))

    def _brought_home(self, keeping: State, pool: State, room: BlockId) -> State:
        """Slots are exchanged; the room is empty now, and kept as by default."""
        rows = [list(row) for row in keeping]
        rows[OWN_SLOT] = list(pool[SLOT])
        rows[PRIORITY][room] = self.shape.default_priority
        rows[TIMED][room] = rows[ASKED][room] = 0
        return tuple(map(tuple, rows))


def _same(mine: tuple[int, ...], other: object) -> bool:
    return sorted(mine) == sorted(cast("tuple[int, ...]", other))


def _newly(before: State, after: State) -> Iterator[BlockId]:
    """The blocks that are queued in `after` and not in `before`, in queue order."""
    for level in Level:
        was = set(_queue(before, level))
        yield from (BlockId(b) for b in _queue(after, level) if b not in was)


def _queue(pool: State, level: Level) -> tuple[int, ...]:
    return cast("tuple[int, ...]", pool[FREE][level])


# ---- what is shown


def _fields(shape: Shape) -> Iterator[Field]:
    count = shape.priority_count
    yield from (field for field in FIELDS if field.name != "free")
    yield Field(
        "free",
        POOL_ROWS + QUEUES,
        lambda rows, _: tuple([rows[n : n + count] for n in range(0, len(rows), count)]),
    )
    yield Field("priority", POOL_ROWS + PRIORITY, as_they_are)
    yield Field(
        "timed", POOL_ROWS + TIMED, lambda rows, _: tuple(map(bool, rows)), equal_unworded=True
    )
    yield Field("expiring", POOL_ROWS + EXPIRING, lambda rows, _: _members(rows))


def _members(rows: Rows) -> frozenset[int]:
    mask = cast("int", rows[0])  # the row of a set is a mask
    return frozenset([n for n in range(mask.bit_length()) if mask >> n & 1])


def _one_priority(shape: Shape) -> Shape:
    return Shape(
        primary_count=shape.primary_count,
        secondary_count=shape.secondary_count,
        priority_count=1,
        references_max=shape.references_max,
        pins_max=shape.pins_max,
        copies_max=shape.copies_max,
    )
