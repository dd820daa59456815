"""The first designs in small, with states met on random walks and states drawn without sense."""

from __future__ import annotations

from random import Random

from counted_shelf import CountedShelf
from every_construct import EveryConstruct

from kvspec.lang.concrete import Stepped, arguments_of, initial_states, step
from kvspec.lang.ir import Model, Variable
from kvspec.lang.state import Row, State
from kvspec.lang.types import FifoType, RecordType, SetType, value_count
from kvspec.models.offload import OffloadSteps
from kvspec.models.pins import PinnedPool
from kvspec.models.retention import RetentionPool
from kvspec.models.stored import StoredQueues
from kvspec.models.tiers import TieredPool
from kvspec.models.window import WindowPool

DESIGNS = (
    TieredPool,
    OffloadSteps,
    PinnedPool,
    RetentionPool,
    StoredQueues,
    WindowPool,
    CountedShelf,
    EveryConstruct,
)


def met_states(model: Model, random: Random, count: int) -> list[State]:
    """States met on a random walk."""
    state = random.choice(initial_states(model))
    met = [state]
    while len(met) < count:
        action = random.choice(model.actions)
        outcome = step(model, state, action, random.choice(list(arguments_of(action))))
        if isinstance(outcome, Stepped):
            state = outcome.state
        met.append(state)
    return met


def drawn_state(model: Model, random: Random) -> State:
    """Any well-typed state, whether or not it makes sense."""
    return tuple(tuple(_row(random, v) for _ in range(v.row_count)) for v in model.variables)


def _row(random: Random, variable: Variable) -> Row:
    leaf = variable.leaf
    if isinstance(leaf, SetType):
        return random.randrange(1 << value_count(leaf.element))
    if not isinstance(leaf, FifoType):
        return random.randint(leaf.low, leaf.high)
    kinds = [kind for _, kind in leaf.fields]
    if leaf.unique:
        ids = list(range(kinds[0].low, kinds[0].high + 1))
        return tuple(random.sample(ids, random.randint(0, len(ids))))
    length = random.randint(0, leaf.capacity)
    items = [tuple(random.randint(kind.low, kind.high) for kind in kinds) for _ in range(length)]
    return tuple(items) if isinstance(leaf.element, RecordType) else tuple(x[0] for x in items)
