"""The ways in which a case can be made smaller, in the order in which they are tried.

It decides what is proposed, never what is kept: each proposal is sent back as taken or not, and the
next one starts from there. The idea: a pass is a generator that is told the fate of what it yields,
so that each reads as a plain loop. Requests go first, since one of them takes many calls with it;
then calls, by halves down to single ones; then tasks; then sizes and numbers; the order last.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from itertools import groupby
from typing import TypeAlias

import msgspec

from kvcheck.fuzz.case import Acquire, Allocate, AnyCall, Case, Pin, PinKey
from kvcheck.schedule import parsed, written

Moves: TypeAlias = Generator[Case, bool, None]
Pass: TypeAlias = Callable[[Case], Moves]
Line: TypeAlias = tuple[AnyCall, ...]

LEAST = {
    "primary_count": 1,
    "secondary_count": 0,
    "priority_count": 1,
    "default_priority": 0,
    "offload_priority_min": 0,
    "references_max": 1,
    "pins_max": 0,
    "copies_max": 1,
    "slot_bytes": 32,  # a slot without room for a tag would hide what the payload shows
}
"""The smallest value of each size, in the order in which they are tried."""

RENUMBERED = ("request", "key")
PLAIN_ORDERS = ("host-first", "eager")
REPLAY = "replay "


def drop_requests(case: Case) -> Moves:
    """All calls of one request of one task."""
    for task in range(len(case.tasks)):
        for request in sorted({n for c in case.tasks[task] if (n := _number(c, "request")) >= 0}):
            line = tuple(c for c in case.tasks[task] if _number(c, "request") != request)
            candidate = _with_line(case, task, line)
            if (yield candidate):
                case = candidate


def drop_calls(case: Case) -> Moves:
    """Runs of calls, of half a task's length, then a quarter, down to single calls."""
    for task in range(len(case.tasks)):
        length = max(1, len(case.tasks[task]) // 2)
        while True:
            start = 0
            while start < len(case.tasks[task]):
                for line in _without(case.tasks[task], start, start + length):
                    candidate = _with_line(case, task, line)
                    if (yield candidate):
                        case = candidate
                        break
                else:
                    start += length
            if length == 1:
                break
            length //= 2


def drop_tasks(case: Case) -> Moves:
    """A whole task, or its calls made by the first, before or after its own; the first stays."""
    for task in reversed(range(1, len(case.tasks))):
        first, calls = case.tasks[0], case.tasks[task]
        others = (*case.tasks[1:task], *case.tasks[task + 1 :])
        for line in dict.fromkeys((first, first + calls, calls + first)):
            candidate = msgspec.structs.replace(case, tasks=(line, *others))
            if (yield candidate):
                case = candidate
                break


def lower_sizes(case: Case) -> Moves:
    """Each size at its least, then half-way there, then one less, while that fails alike."""
    for name, least in LEAST.items():
        while (value := getattr(case.sizes, name)) > least:
            for lower in sorted({least, (value + least) // 2, value - 1}):
                sizes = msgspec.structs.replace(case.sizes, **{name: lower})
                candidate = msgspec.structs.replace(case, sizes=sizes)
                if (yield candidate):
                    case = candidate
                    break
            else:
                break
    if case.sizes.queues != "named":
        yield msgspec.structs.replace(
            case, sizes=msgspec.structs.replace(case.sizes, queues="named")
        )


def renumber(case: Case) -> Moves:
    """Fewer keys, then requests and keys numbered from 0, then wishes of calls left out."""
    keys = sorted({n for line in case.tasks for c in line if (n := _number(c, "key")) >= 0})
    for key in reversed(keys[1:]):
        candidate = _mapped(case, "key", {key: keys[0]})
        if (yield candidate):
            case = candidate
    for name in RENUMBERED:
        used = sorted({n for line in case.tasks for c in line if (n := _number(c, name)) >= 0})
        candidate = _mapped(case, name, {old: new for new, old in enumerate(used)})
        if candidate != case and (yield candidate):
            case = candidate
    for task, line in enumerate(case.tasks):
        for index, call in enumerate(line):
            if isinstance(call, Allocate) and call != Allocate(call.request):
                now = case.tasks[task]
                plain = (*now[:index], Allocate(_number(now[index], "request")), *now[index + 1 :])
                candidate = _with_line(case, task, plain)
                if (yield candidate):
                    case = candidate


def plain_order(case: Case) -> Moves:
    """The two orders without choice."""
    if case.order not in PLAIN_ORDERS:
        for order in PLAIN_ORDERS:
            if (yield msgspec.structs.replace(case, order=order)):
                return


def shorter_record(case: Case) -> Moves:
    """A recorded line cut short, which the host's order then goes on from."""
    actors = _recorded(case)
    length = len(actors) // 2
    while length:
        if length < len(actors):
            candidate = _replaying(case, actors[:-length])
            if (yield candidate):
                actors, case = actors[:-length], candidate
                continue
        length //= 2


def fewer_switches(case: Case) -> Moves:
    """A recorded line in which an actor's next turn is joined to the one before it."""
    turns = _turns(_recorded(case))
    at = 0
    while at < len(turns):
        later = next((k for k in range(at + 2, len(turns)) if turns[k][0] == turns[at][0]), None)
        if later is not None:
            joined = (turns[at][0], turns[at][1] + turns[later][1])
            rest = [*turns[at + 1 : later], *turns[later + 1 :]]
            candidate_turns = _turns(_actors([*turns[:at], joined, *rest]))
            candidate = _replaying(case, _actors(candidate_turns))
            if (yield candidate):
                turns, case = candidate_turns, candidate
                continue
        at += 1


PASSES: tuple[Pass, ...] = (
    drop_requests,
    drop_calls,
    drop_tasks,
    lower_sizes,
    renumber,
    plain_order,
)
"""In the order of the plan; repeated until none of them is taken."""

ORDER_PASSES: tuple[Pass, ...] = (shorter_record, fewer_switches)
"""For a case whose order is a recorded line."""


def recorded(case: Case, line: str) -> Case:
    """The case under the line that its run took."""
    return msgspec.structs.replace(case, order=REPLAY + line)


def switch_count(line: str) -> int:
    """How often a recorded line goes from one actor to another."""
    return max(0, len(_turns(list(parsed(line)))) - 1)


def _recorded(case: Case) -> list[str]:
    if not case.order.startswith(REPLAY):
        return []
    return list(parsed(case.order.removeprefix(REPLAY)))


def _replaying(case: Case, actors: Sequence[str]) -> Case:
    return recorded(case, written(actors))


def _turns(actors: Sequence[str]) -> list[tuple[str, int]]:
    return [(actor, len(list(steps))) for actor, steps in groupby(actors)]


def _actors(turns: Sequence[tuple[str, int]]) -> list[str]:
    return [actor for actor, count in turns for _ in range(count)]


def _without(line: Line, start: int, stop: int) -> list[Line]:
    """The line without these calls; for one that makes an entry, also with later places moved."""
    kept = line[:start] + line[stop:]
    if stop - start != 1 or start >= len(line):
        return [kept]
    match line[start]:
        case Acquire(request=request) | Allocate(request=request):
            moved = tuple(
                _lowered(c, "place") if _number(c, "request") == request else c for c in line[stop:]
            )
        case Pin() | PinKey():
            moved = tuple(_lowered(c, "receipt") for c in line[stop:])
        case _:
            return [kept]
    return [kept] if line[:start] + moved == kept else [kept, line[:start] + moved]


def _lowered(call: AnyCall, name: str) -> AnyCall:
    number = _number(call, name)
    return msgspec.structs.replace(call, **{name: number - 1}) if number > 0 else call


def _mapped(case: Case, name: str, numbers: dict[int, int]) -> Case:
    tasks = tuple(
        tuple(
            msgspec.structs.replace(c, **{name: numbers[n]})
            if (n := _number(c, name)) in numbers
            else c
            for c in line
        )
        for line in case.tasks
    )
    return msgspec.structs.replace(case, tasks=tasks)


def _number(call: AnyCall, name: str) -> int:
    value = getattr(call, name, -1)
    return value if isinstance(value, int) else -1


def _with_line(case: Case, task: int, line: Line) -> Case:
    tasks = (*case.tasks[:task], line, *case.tasks[task + 1 :])
    return msgspec.structs.replace(case, tasks=tasks)
