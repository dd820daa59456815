"""A staging of page tables against one kind of order at a time: does any run show that it is wrong?

It decides what each column runs and what a bug claims of it. The idea: a device that is always
late, one that is always prompt, orders by chance, and all orders see different bugs, so that what a
mock with one fixed order is blind to can be read off a table. The last column looks at nothing but
the steps, in all orders and then by chance: what it sees, the design refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import kvimpl.bugs.staging as registry
from kvcheck.fuzz.staging import RIGHT, Kind, Seen, Sign, drawn, every_order, judged
from kvcheck.fuzz.staging_lockstep import every_step, refused_at, stepped
from kvcheck.schedule import Budget, Eager, HostFirst, Random, Reach
from kvimpl.bugs.staging import Shows
from kvimpl.device.port.steps import Schedule

ITERATIONS = 3
RANDOM_RUNS = 30
ORDERS_MAX = 2_000
CASE = drawn(1, ITERATIONS)


class Order(Enum):
    """Which runs are made; LOCKSTEP is every order, and the steps are all that is looked at."""

    LATE = "late device"
    PROMPT = "prompt device"
    RANDOM = "random"
    EVERY = "every order"
    LOCKSTEP = "lockstep"


CLAIMS = {
    Shows.ANY_RUN: tuple(Order),
    Shows.READERS: tuple(Order),
    Shows.ROWS: tuple(Order),
    Shows.ERROR: tuple(Order),
    Shows.LATE_DEVICE: (Order.LATE, Order.EVERY, Order.LOCKSTEP),
    Shows.PROMPT_DEVICE: (Order.PROMPT, Order.EVERY, Order.LOCKSTEP),
    Shows.STEPS: (Order.LOCKSTEP,),
}


@dataclass(frozen=True, slots=True)
class OrderCell:
    """What a column made of a staging: in which run it was found, by which signs, none if missed.

    `is_open` says that nothing was found and that the budget of runs was spent before the end;
    `refused_at` is the action whose step the design refused.
    """

    runs: int
    by: tuple[Sign, ...]
    is_open: bool = False
    refused_at: str = ""


def bug_rows() -> dict[str, str]:
    """The row of each bug of staging, by id, in the order of their registry."""
    return {bug.id: bug.row for bug in registry.STAGING_BUGS.values()}


def kind_of(name: str) -> Kind:
    """The staging of that name, right or wrong. Raises: KeyError."""
    return RIGHT[name] if name in RIGHT else registry.STAGING_BUGS[name]


def claimed_step(name: str) -> str:
    """The action at which the design must refuse the staging; empty for what is right."""
    return "" if name in RIGHT else registry.STAGING_BUGS[name].refused_at


def claims(name: str) -> tuple[Order, ...]:
    """The columns that must see the bug; none for what is right."""
    return () if name in RIGHT else CLAIMS[registry.STAGING_BUGS[name].shows]


def measure_order(name: str, order: Order, *, runs: int = RANDOM_RUNS) -> OrderCell:
    """Run the staging until its first sign of being wrong."""
    kind = kind_of(name)
    if order is Order.LOCKSTEP:
        return _in_lockstep(kind, runs)
    if order is Order.EVERY:
        explored = every_order(kind, CASE, Budget(runs=ORDERS_MAX), to_first=True)
        found = [signs for signs in explored.outcomes if signs]
        is_open = not found and explored.reach is not Reach.EXHAUSTED
        return OrderCell(explored.runs, _sorted(found[0]) if found else (), is_open)
    if order is Order.RANDOM:
        return _until(lambda seed: judged(kind, drawn(seed), Random(seed)), runs)
    fixed: Schedule = HostFirst() if order is Order.LATE else Eager()
    return _until(lambda _: judged(kind, CASE, fixed), 1)


def _in_lockstep(kind: Kind, runs: int) -> OrderCell:
    """Every order of the case until a step is refused, then so many random runs."""
    explored = every_step(kind, CASE, Budget(runs=ORDERS_MAX), to_first=True)
    refused = next(filter(None, explored.outcomes), "")
    count = explored.runs
    for seed in range(0 if refused else runs):
        refused = refused or refused_at(stepped(kind, drawn(seed), Random(seed)))
        count += 1
    if refused:
        return OrderCell(count, (Sign.REFUSED,), refused_at=refused)
    return OrderCell(count, (), explored.reach is not Reach.EXHAUSTED)


def _until(run: Callable[[int], Seen], runs: int) -> OrderCell:
    for seed in range(runs):
        signs = run(seed).signs
        if signs:
            return OrderCell(seed + 1, _sorted(signs))
    return OrderCell(runs, ())


def _sorted(signs: frozenset[Sign]) -> tuple[Sign, ...]:
    return tuple(sign for sign in Sign if sign in signs)
