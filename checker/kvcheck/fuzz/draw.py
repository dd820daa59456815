"""Draws cases by chance, fresh ones and variants of others.

It decides what a likely case looks like; which case is worth a variant is `steer`'s. The idea:
calls come in the rounds in which a scheduler makes them (copies in a step, then kernels, then
commits and releases), because calls in no order are mostly refused at the door; misuse and odd
places are mixed into the rounds, and variants break them up further. All chance comes from the
generator that is passed in.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import msgspec

from kvcheck.fuzz.case import (
    Acquire,
    Again,
    Allocate,
    AnyCall,
    BeginStep,
    Case,
    Commit,
    EndStep,
    Fill,
    Pin,
    PinKey,
    Poll,
    Read,
    ReadPinned,
    Refresh,
    Release,
    ReleaseAll,
    Sizes,
    Unpin,
)

REQUESTS = 3
KEYS = 3
PLACES = 3
CALLS_MAX = 90
TASKS_MAX = 3
SECONDS = (None, None, 0, 2, 5)

SIZES = (
    Sizes(1, 1, references_max=2, pins_max=1, copies_max=1),
    Sizes(1, 1, references_max=2, pins_max=2, copies_max=2),
    Sizes(2, 1, references_max=1, pins_max=2, copies_max=1),
    Sizes(1, 2, references_max=2, pins_max=1, copies_max=1, queues="stored"),
    Sizes(2, 2, references_max=2, pins_max=1, copies_max=1),
    Sizes(2, 2, references_max=3, pins_max=2, copies_max=2),
    Sizes(2, 0, references_max=2, pins_max=2, copies_max=1),
    Sizes(3, 1, references_max=3, pins_max=2, copies_max=2),
    Sizes(3, 3, references_max=2, pins_max=2, copies_max=1, queues="stored"),
)
"""Sizes of managers with one priority, small ones first; a design is compiled for each."""

WITH_PRIORITIES = tuple(
    Sizes(
        primary,
        secondary,
        priority_count=3,
        default_priority=1,
        offload_priority_min=1,
        references_max=2,
        pins_max=1,
    )
    for primary, secondary in ((1, 1), (2, 1), (2, 2))
)
"""Sizes of managers with three priorities, of which the lowest is not worth a copy."""

Order = Callable[[random.Random], str]

_ORDERS: tuple[Order, ...] = (
    lambda rng: "host-first",
    lambda rng: "host-first",
    lambda rng: "eager",
    lambda rng: f"random {rng.randrange(1 << 20)}",
    lambda rng: f"random {rng.randrange(1 << 20)}",
    lambda rng: f"random {rng.randrange(1 << 20)}",
    lambda rng: f"pct {rng.randrange(1 << 20)} {rng.randrange(1, 4)} 80",
)


def fresh(rng: random.Random, *, sizes: Sequence[Sizes], manager: str) -> Case:
    """A new case of one to five rounds, and on every other one a reader or two beside it."""
    prioritised = [s for s in sizes if s.priority_count > 1]
    if prioritised and rng.random() < 0.25:
        chosen = rng.choice(prioritised)
    else:
        chosen = sizes[min(rng.randrange(len(sizes)), rng.randrange(len(sizes)))]
    scheduler: list[AnyCall] = []
    if rng.random() < 0.35:
        scheduler += there_and_back(rng, chosen)
    for _ in range(rng.choice((1, 2, 2, 3, 3, 4, 5))):
        scheduler += a_round(rng, chosen)
    readers = [a_reader(rng) for _ in range(rng.choice((0, 0, 0, 1, 1, 2)))]
    return Case(chosen, (tuple(scheduler), *readers), order(rng, 1 + len(readers)), manager)


def a_round(rng: random.Random, sizes: Sizes) -> list[AnyCall]:
    """What a scheduler does in one step: hits and new blocks, kernels, commits, releases."""
    calls: list[AnyCall] = [BeginStep()]
    requests = rng.sample(range(REQUESTS), rng.choice((1, 1, 2, 2, 3)))
    for request in requests:
        for _ in range(rng.choice((1, 1, 2))):
            if rng.random() < 0.45:
                calls.append(Acquire(request, rng.randrange(KEYS)))
            else:
                calls.append(an_allocation(rng, request, sizes))
        if rng.random() < 0.15:
            calls.append(any_call(rng, sizes))
    calls.append(EndStep())
    for request in requests:
        place = rng.choice((0, 0, 0, 1, 2))
        calls += [Fill(request, place, rng.randrange(KEYS)), Read(request, place)]
        if rng.random() < 0.8:
            calls.append(Commit(request, place))
        if rng.random() < 0.1:
            calls.append(Pin(request, place))
    if rng.random() < 0.35:
        calls.append(any_call(rng, sizes))
    for request in requests:
        if rng.random() < 0.6:
            calls.append(ReleaseAll(request))
        elif rng.random() < 0.5:
            calls.append(Release(request, rng.randrange(PLACES)))
    if sizes.priority_count > 1 and rng.random() < 0.4:
        calls.append(Refresh(rng.choice((0, 3, 6))))
    return calls


def there_and_back(rng: random.Random, sizes: Sizes) -> list[AnyCall]:
    """Content fills the pool, moves down under another request's blocks, and is wanted again."""
    keys, room = range(KEYS), range(min(sizes.primary_count, PLACES))
    calls: list[AnyCall] = [BeginStep(), *[an_allocation(rng, 0, sizes) for _ in room], EndStep()]
    for place in room:
        calls += [Fill(0, place, keys[place]), Commit(0, place)]
    calls += [ReleaseAll(0), BeginStep(), *[Allocate(1) for _ in room], EndStep(), Poll()]
    calls += [ReleaseAll(1), BeginStep(), *[Acquire(2, keys[place]) for place in room]]
    calls.append(EndStep())
    calls += [Read(2, place) for place in room]
    calls.append(ReleaseAll(2))
    return calls


def a_reader(rng: random.Random) -> tuple[AnyCall, ...]:
    """A task that pins by key, reads and lets go, or forgets to."""
    calls: list[AnyCall] = []
    for number in range(rng.choice((1, 2, 3, 5))):
        calls.append(PinKey(rng.randrange(KEYS)))
        if rng.random() < 0.7:
            calls.append(ReadPinned(rng.randrange(number + 1)))
        if rng.random() < 0.7:
            calls.append(Unpin(rng.randrange(number + 1)))
        if rng.random() < 0.2:
            calls.append(rng.choice((Again("unpin"), any_call(rng, SIZES[0]))))
    return tuple(calls)


def an_allocation(rng: random.Random, request: int, sizes: Sizes) -> Allocate:
    """With a wish of how to keep the block, where there are priorities to wish for."""
    if sizes.priority_count == 1 or rng.random() < 0.4:
        return Allocate(request)
    return Allocate(request, rng.randrange(sizes.priority_count), rng.choice(SECONDS))


_DRAWS: tuple[Callable[[random.Random, Sizes], AnyCall], ...] = (
    lambda rng, sizes: BeginStep(),
    lambda rng, sizes: EndStep(),
    lambda rng, sizes: Acquire(rng.randrange(REQUESTS), rng.randrange(KEYS)),
    lambda rng, sizes: an_allocation(rng, rng.randrange(REQUESTS), sizes),
    lambda rng, sizes: Fill(rng.randrange(REQUESTS), rng.randrange(PLACES), rng.randrange(KEYS)),
    lambda rng, sizes: Read(rng.randrange(REQUESTS), rng.randrange(PLACES)),
    lambda rng, sizes: Commit(rng.randrange(REQUESTS), rng.randrange(PLACES)),
    lambda rng, sizes: Release(rng.randrange(REQUESTS), rng.randrange(PLACES)),
    lambda rng, sizes: ReleaseAll(rng.randrange(REQUESTS)),
    lambda rng, sizes: Pin(rng.randrange(REQUESTS), rng.randrange(PLACES)),
    lambda rng, sizes: PinKey(rng.randrange(KEYS)),
    lambda rng, sizes: ReadPinned(rng.randrange(PLACES)),
    lambda rng, sizes: Unpin(rng.randrange(PLACES)),
    lambda rng, sizes: Again(rng.choice(("release", "unpin", "commit"))),
    lambda rng, sizes: Poll(),
    lambda rng, sizes: Refresh(rng.choice((0, 1, 3, 6))),
)


def any_call(rng: random.Random, sizes: Sizes) -> AnyCall:
    """Any call, at places that are small and may be empty."""
    return rng.choice(_DRAWS)(rng, sizes)


def order(rng: random.Random, task_count: int) -> str:
    """An order: those without choice, uniform ones, and PCT; tasks that meet need chance more."""
    if task_count > 1 and rng.random() < 0.8:
        return rng.choice(_ORDERS[3:])(rng)
    return rng.choice(_ORDERS)(rng)


# ---- variants


def variant(rng: random.Random, case: Case, other: Case, *, sizes: Sequence[Sizes]) -> Case:
    """The case with one to three changes; `other` lends calls."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        case = rng.choice(_CHANGES)(rng, case, other)
    if rng.random() < 0.1:
        case = msgspec.structs.replace(case, sizes=rng.choice(sizes))
    if rng.random() < 0.5:
        case = msgspec.structs.replace(case, order=order(rng, len(case.tasks)))
    return case


def _with_line(case: Case, number: int, line: Sequence[AnyCall]) -> Case:
    tasks = (*case.tasks[:number], tuple(line[:CALLS_MAX]), *case.tasks[number + 1 :])
    return msgspec.structs.replace(case, tasks=tasks)


def _inserted(rng: random.Random, case: Case, _: Case) -> Case:
    number = rng.randrange(len(case.tasks))
    line = list(case.tasks[number])
    line.insert(rng.randrange(len(line) + 1), any_call(rng, case.sizes))
    return _with_line(case, number, line)


def _deleted(rng: random.Random, case: Case, _: Case) -> Case:
    number = rng.randrange(len(case.tasks))
    line = list(case.tasks[number])
    start = rng.randrange(len(line) + 1)
    del line[start : start + rng.choice((1, 1, 2, 4))]
    return _with_line(case, number, line)


def _changed(rng: random.Random, case: Case, _: Case) -> Case:
    number = rng.randrange(len(case.tasks))
    line = list(case.tasks[number])
    if line:
        line[rng.randrange(len(line))] = any_call(rng, case.sizes)
    return _with_line(case, number, line)


def _spliced(rng: random.Random, case: Case, other: Case) -> Case:
    line, lent = case.tasks[0], other.tasks[0]
    at, start = rng.randrange(len(line) + 1), rng.randrange(len(lent) + 1)
    return _with_line(case, 0, (*line[:at], *lent[start:]))


def _longer(rng: random.Random, case: Case, _: Case) -> Case:
    return _with_line(case, 0, (*case.tasks[0], *a_round(rng, case.sizes)))


def _more_or_fewer_readers(rng: random.Random, case: Case, _: Case) -> Case:
    if len(case.tasks) > 1 and rng.random() < 0.5:
        return msgspec.structs.replace(case, tasks=case.tasks[:-1])
    if len(case.tasks) < TASKS_MAX:
        return msgspec.structs.replace(case, tasks=(*case.tasks, a_reader(rng)))
    return case


_CHANGES: tuple[Callable[[random.Random, Case, Case], Case], ...] = (
    _inserted,
    _inserted,
    _deleted,
    _changed,
    _spliced,
    _longer,
    _more_or_fewer_readers,
)
