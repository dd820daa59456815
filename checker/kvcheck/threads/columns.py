"""A manager that threads share against one kind of check at a time: in which run does each see it?

It decides which runs are made, not what a bug claims. The idea: every order of a few small programs
is run once, with all checks looking on, so two columns differ by what they look at and by nothing
else. *Random orders* has other runs: the same programs and drawn ones, by chance; *linear* has
histories of its own, in which only calls and answers are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial

from kvcheck.linear.campaign import Plan, Where, examine
from kvcheck.linear.drive import Program as Calls
from kvcheck.linear.managers import SHARED, build_of
from kvcheck.schedule import Budget, Pct, Random, Reach, explore
from kvcheck.threads.program import DOWN_AND_UP, SMALL, Program, drawn
from kvcheck.threads.run import Build, judged, right
from kvcheck.verdict import Outcome
from kvimpl.bugs.shared import SHARED_BUGS, Shows
from kvimpl.device.port.steps import Schedule

RIGHT = SHARED
ORDERS_MAX = 4_000
RANDOM_RUNS = 3_000
HISTORIES = 1_000
CALLS = Calls(
    seed=0, operation_count=60, thread_count=2, primary_count=3, secondary_count=2, key_count=2
)
PCT_STEPS = 250
"""About how long a run is."""


class Column(Enum):
    """One kind of check, or of run."""

    LOCKSTEP = "lockstep"
    RACES = "races"
    PAYLOAD = "payload"
    COUNTS = "counts only"
    ERRORS = "errors"
    LINEAR = "linear"
    RANDOM = "random orders"


EVERY_ORDER = tuple(column for column in Column if column not in (Column.LINEAR, Column.RANDOM))


@dataclass(frozen=True, slots=True)
class Cell:
    """What a column made of a manager: in which run it was found, as what; `by` is empty if it was
    not. `is_open` says that it was not, and that orders were left."""

    runs: int
    by: str
    is_open: bool = False


def bug_rows() -> dict[str, str]:
    """The row of each bug by id, in the order of their registry."""
    return {bug.id: bug.row for bug in SHARED_BUGS.values()}


def made(name: str) -> Build:
    """The manager of that name, right or wrong. Raises: KeyError."""
    return right if name == RIGHT else SHARED_BUGS[name].build


def claims(name: str) -> tuple[Column, ...]:
    """The columns that must see the bug; none for what is right."""
    if name == RIGHT:
        return ()
    shows = {one.value for one in SHARED_BUGS[name].shows}
    return tuple(c for c in Column if c.value in shows or c is Column.RANDOM)


def every_order(
    build: Build, wanted: frozenset[Shows], *, runs_max: int = ORDERS_MAX
) -> Mapping[Column, Cell]:
    """All orders of the small programs, or until all that is wanted was seen."""
    seen: dict[Shows, tuple[int, str]] = {}
    runs = 0
    is_open = False

    def once(program: Program, schedule: Schedule) -> frozenset[Shows]:
        nonlocal runs
        ran = judged(build, program, schedule)
        runs += 1
        for sign, says in ran.says:
            seen.setdefault(sign, (runs, says))
        return ran.signs

    for program in SMALL:
        explored = explore(
            partial(once, program),
            budget=Budget(runs=runs_max - runs),
            stop=lambda _: bool(wanted) and wanted <= seen.keys(),
        )
        is_open |= explored.reach is not Reach.EXHAUSTED
        if explored.reach is not Reach.EXHAUSTED:
            break
    found = {sign.value: Cell(*first) for sign, first in seen.items()}
    return {c: found.get(c.value, Cell(runs, "", is_open)) for c in EVERY_ORDER}


def chances(seed: int = 0) -> Iterator[tuple[Program, Schedule]]:
    """Programs and orders by chance, for ever: half of them small programs, half drawn."""
    number = seed * 1_000_003
    while True:
        small = DOWN_AND_UP if number % 4 == 1 else SMALL[number // 4 % len(SMALL)]
        program = small if number % 2 else drawn(number)
        by_chance = Random(number) if number // 8 % 2 else Pct(number, steps=PCT_STEPS)
        yield program, by_chance
        number += 1


def random_orders(build: Build, *, seed: int = 0, runs_max: int | None = None) -> Cell:
    """Runs by chance until the first sign of any kind."""
    runs_max = runs_max or RANDOM_RUNS
    for runs, (program, schedule) in enumerate(chances(seed), 1):
        says = judged(build, program, schedule).says
        if says:
            return Cell(runs, says[0][1])
        if runs == runs_max:
            break
    return Cell(runs_max, "")


def linear(name: str) -> Cell:
    """Histories on the simulated device, until one has no order."""
    plan = Plan(program=CALLS, runs_max=HISTORIES, where=Where.SIM)
    done = examine(plan, build=build_of(name))
    verdict = done.verdict()
    return Cell(done.run_count, verdict.reason if verdict.outcome is Outcome.VIOLATED else "")


def measure(name: str) -> Iterator[tuple[Column, Cell]]:
    """Every column of one manager."""
    build = made(name)
    shows = frozenset() if name == RIGHT else SHARED_BUGS[name].shows - {Shows.LINEAR}
    yield from every_order(build, shows).items()
    rest: dict[Column, Callable[[], Cell]] = {
        Column.LINEAR: lambda: linear(name),
        Column.RANDOM: lambda: random_orders(build),
    }
    for column, made_of in rest.items():
        yield column, made_of()
