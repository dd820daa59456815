"""The least that would order two accesses: found among few candidates, each held against the order.

It decides what is least: a wait for a recording that is already there; a recording behind the work
for a wait that is already there, or that wait for another stream; then one of each. A candidate
counts only if the journal with its calls orders the two; that a run with them finds nothing is
`rerun`'s to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from kvcheck.race.applied import Repair, applied
from kvcheck.race.between import Pair
from kvcheck.race.journal import AWAITS, Call, Does, Journal
from kvcheck.race.order import Node, Order
from kvcheck.race.runs import DEFAULT_OPTIONS, noted_run
from kvimpl.device.port import Device, Finding
from kvimpl.device.port.steps import Schedule
from kvimpl.device.sim import SimOptions

T = TypeVar("T")


def least_repair(journal: Journal, pair: Pair) -> Repair | None:
    """The first candidate that orders the two; None if none of them does."""
    for repair in _candidates(journal, pair):
        if orders(journal, pair, repair):
            return repair
    return None


def orders(journal: Journal, pair: Pair, repair: Repair) -> bool:
    """Whether the journal with the calls of the repair has the first before the second."""
    calls = tuple(applied(journal.calls, repair))
    return Order(calls, journal.blocking).before(pair.start, pair.goal)


def rerun(
    program: Callable[[Device], T],
    schedule: Schedule,
    repair: Repair,
    options: SimOptions = DEFAULT_OPTIONS,
    *,
    beside: tuple[str, ...] = (),
) -> tuple[Finding, ...]:
    """What a run of the program finds with the calls of the repair made where they belong.

    Raises: whatever the program raises.
    """
    ran = noted_run(program, schedule, options, repair=repair, beside=beside)
    if ran.error is not None:
        raise ran.error
    return ran.findings


def _candidates(journal: Journal, pair: Pair) -> Iterator[Repair]:
    first, blocked = pair.first, pair.blocked
    order = Order(journal.calls, journal.blocking)
    if not order.before(Node(first.id, False), Node(blocked.id, False)):
        # the calls themselves are in no order: those are two tasks, and only one may wait
        if any(c.does is Does.SPAWN and c.label == first.task for c in _calls_of(journal, blocked)):
            yield Repair(before=blocked.id, join=first.task)
        return
    if not pair.is_work[0]:
        return
    waiting = blocked.stream if pair.goal.is_executing else ""
    between = journal.calls[journal.place(first) + 1 : journal.place(blocked)]
    for record in between:
        if record.does is Does.RECORD and order.before(pair.start, Node(record.id, True)):
            yield Repair(mark=record.id, before=blocked.id, waiting=waiting)
    for wait in reversed(between):
        if _leads(order, wait, pair):
            after = first.id if wait.waits_for_event else 0
            yield Repair(record_after=after, stream=first.stream, rebound=wait.id)
    yield Repair(record_after=first.id, stream=first.stream, before=blocked.id, waiting=waiting)


def _calls_of(journal: Journal, blocked: Call) -> list[Call]:
    """The earlier calls of the task that would have to wait."""
    earlier = journal.calls[: journal.place(blocked)]
    return [call for call in earlier if call.task == blocked.task]


def _leads(order: Order, wait: Call, pair: Pair) -> bool:
    """Whether it is a wait that is before the second access."""
    node = Node(wait.id, wait.does is Does.WAIT)
    return wait.does in AWAITS and order.before(node, pair.goal)
