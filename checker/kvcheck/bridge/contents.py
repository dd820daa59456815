"""What blocks cache, for designs that have no word for it: who needs content, and when.

It decides which commits a run needs beyond its own steps. The idea: such a design lets every block
be pinned or moved, and a manager only those that cache something, while it moves whatever caches
something and is worth it; so the next use of a block says whether its request has to commit it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from kvcheck.bridge.script import WARM_UP, Call, Script, Verb, silent
from kvcheck.trace.path import Path, run_path
from kvspec.lang.ir import Model
from kvspec.lang.state import State

Use = tuple[int, int, bool]
"""The step, the block, and whether it has to cache something then."""


def states_before(model: Model, path: Path) -> tuple[State, ...]:
    """The state before each move of the path."""
    return run_path(model, path)[0][: len(path.moves)]


def primary_front(model: Model, state: State) -> int:
    """The free primary block that goes next, lowest priority first.

    The rows of `free` are the queues of primary, then those of secondary.
    """
    queues = cast("tuple[tuple[int, ...], ...]", row_of(model, state, "free"))
    return next(queue[0] for queue in queues[: len(queues) // 2] if queue)


def row_of(model: Model, state: State, name: str) -> tuple[object, ...]:
    """A variable's rows."""
    place = next(n for n, variable in enumerate(model.variables) if variable.name == name)
    return cast("tuple[object, ...]", state[place])


def is_wanted(uses: tuple[Use, ...], block: int, after: int) -> bool:
    """Whether the block's next use after a step needs content; a block without one needs none."""
    return next((wanted for step, b, wanted in uses if b == block and step > after), False)


def warmed_up(model: Model, uses: tuple[Use, ...], calls: Iterable[Call]) -> Script:
    """The calls of a run behind those that give every block the content which its first use needs.

    The model's constant `tier` has the level of every slot, 0 for primary.
    """
    (tier,) = (constant for constant in model.constants if constant.name == "tier")
    wanted = frozenset(b for b in range(len(tier.table)) if is_wanted(uses, b, WARM_UP))
    return (*warm_up(tier.table.count(0), tier.table.count(1), wanted), *calls)


def warm_up(primary_count: int, secondary_count: int, wanted: frozenset[int]) -> Script:
    """The calls after which the blocks in the wanted slots cache something, and all are free.

    The queues are in the order of the slots again, as at the start. Host slots get content by
    offloads, in whole rounds of the host queue, and then all of them have some.
    """
    return tuple(_warm_up(primary_count, secondary_count, wanted)) if wanted else ()


def _warm_up(primary: int, secondary: int, wanted: frozenset[int]) -> Iterator[Call]:
    device = range(primary)
    is_host_wanted = any(slot >= primary for slot in wanted)
    for _ in device:
        yield silent(Verb.ALLOCATE, WARM_UP)
    yield from _let_go(device, frozenset(device) if is_host_wanted else wanted)
    if not is_host_wanted:
        return
    for turn in range(-primary % secondary):
        yield silent(Verb.ALLOCATE, WARM_UP)
        yield silent(Verb.SETTLE, WARM_UP)
        slot = turn % primary
        yield from _let_go(range(slot, slot + 1), frozenset({slot}))
    for _ in device:
        yield silent(Verb.ALLOCATE, WARM_UP)
        yield silent(Verb.SETTLE, WARM_UP)
    yield from _let_go(device, wanted)


def _let_go(slots: range, committed: frozenset[int]) -> Iterator[Call]:
    for slot in slots:
        if slot in committed:
            yield silent(Verb.COMMIT, WARM_UP, block=slot)
    for slot in slots:
        yield silent(Verb.RELEASE, WARM_UP, block=slot)
