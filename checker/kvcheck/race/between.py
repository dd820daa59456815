"""What lies between two unordered accesses and looks as if it ordered them, and why it does not.

It decides which waits and recordings of the run are worth telling: those after the first access was
called that lead to the second, and those that were meant to. The idea: each has exactly one reason
for ordering nothing here, and that reason is read off the journal, not guessed from a pattern.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from kvcheck.race.journal import AWAITS, Call, Does, Journal, Named
from kvcheck.race.order import Node, Order


class Gap(Enum):
    """Why a wait or a recording does not order the two."""

    RECORDED_EARLY = "the event was recorded before the work was enqueued"
    OTHER_STREAM = "the event was recorded in, or the wait was for, another stream"
    NEVER_RECORDED = "the event had not been recorded"
    ANSWERED_NO = "a query said no"
    EARLIER_MARK = "the wait is for an earlier recording"
    NOT_AWAITED = "the event covers the work, and nothing waits for it"
    AWAITED_ELSEWHERE = "another stream waits for it"
    AWAITED_LATE = "the wait comes after the second access"
    WAITED_BEFORE = "the wait comes before the work was enqueued"
    EARLY_UNAWAITED = "the event was recorded before the work, and nothing waits for it"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two accesses that nothing orders, the earlier called first.

    `blocked` is where a wait for the first would have to be: at the second, or, if the memory of
    the first was given back in between, at the free that did.
    """

    first: Call
    second: Call
    is_work: tuple[bool, bool]
    blocked: Call

    @property
    def start(self) -> Node:
        """The first access."""
        return Node(self.first.id, self.is_work[0])

    @property
    def goal(self) -> Node:
        """What should come after it."""
        works = self.blocked is self.second and self.is_work[1]
        return Node(self.blocked.id, works)


@dataclass(frozen=True, slots=True)
class Hint:
    """A gap with the calls that show it: a recording, a wait for something, or both."""

    gap: Gap
    record: Call | None = None
    wait: Call | None = None


HINTS_MAX = 3


def between(journal: Journal, order: Order, pair: Pair) -> tuple[Hint, ...]:
    """What orders nothing here, in the order of the calls; waits first, then recordings."""
    if not pair.is_work[0]:
        return ()
    waits = list(_waits(journal, order, pair))
    told = {hint.record.id for hint in waits if hint.record is not None}
    records = [h for h in _records(journal, order, pair) if h.record and h.record.id not in told]
    found = [*waits, *records]
    if not found:
        found = [*_before(journal, pair), *_early(journal, order, pair)]
    return tuple(found[:HINTS_MAX])


def _waits(journal: Journal, order: Order, pair: Pair) -> Iterator[Hint]:
    """Waits that lead to the second access; those from before the first if they meant its event."""
    start = journal.place(pair.first)
    meant = {call.number for call in _covering(journal, order, pair)}
    for place, wait in enumerate(journal.calls):
        node = Node(wait.id, wait.does is Does.WAIT)
        is_late = place > start or (wait.does is Does.WAIT and _event(journal, wait) in meant)
        if wait.does in AWAITS and is_late and order.before(node, pair.goal):
            hint = _why_not(journal, order, pair, wait)
            if hint is not None:
                yield hint


def _event(journal: Journal, wait: Call) -> int:
    """The event that a wait names, itself or by a mark; 0 if it names none."""
    on = wait.on
    if on is None or not wait.waits_for_event:
        return 0
    if on.named is Named.EVENT:
        return on.number
    return next((call.number for call in journal.calls if call.id == on.number), 0)


def _covering(journal: Journal, order: Order, pair: Pair) -> Iterator[Call]:
    """The recordings behind the first access."""
    for call in journal.calls:
        if call.does is Does.RECORD and order.before(pair.start, Node(call.id, True)):
            yield call


def _why_not(journal: Journal, order: Order, pair: Pair, wait: Call) -> Hint | None:
    first, place = pair.first, journal.place
    if not wait.waits_for_event:
        on = wait.on
        if on is not None and on.named is Named.STREAM and on.name != first.stream:
            return Hint(Gap.OTHER_STREAM, None, wait)
        return Hint(Gap.ANSWERED_NO, None, wait) if not wait.answer else None
    bound = [call for call in journal.calls if call.id in order.bound(wait)]
    if not bound:
        return Hint(Gap.NEVER_RECORDED, None, wait)
    record = bound[0]
    if order.before(pair.start, Node(record.id, True)):
        return Hint(Gap.ANSWERED_NO, record, wait) if not wait.answer else None
    if record.stream != first.stream:
        return Hint(Gap.OTHER_STREAM, record, wait)
    if place(record) < place(first):
        later = [
            call
            for call in journal.calls
            if call.does is Does.RECORD and call.number == record.number and call is not record
        ]
        again = any(place(first) < place(call) for call in later)
        return Hint(Gap.EARLIER_MARK if again else Gap.RECORDED_EARLY, record, wait)
    return None


def _records(journal: Journal, order: Order, pair: Pair) -> Iterator[Hint]:
    """Recordings behind the work, which nothing that leads to the second access waits for."""
    place = journal.place
    for record in _covering(journal, order, pair):
        if place(record) > place(pair.blocked):
            return
        waits = [w for w in journal.calls if w.waits_for_event and record.id in order.bound(w)]
        early = [w for w in waits if place(w) < place(pair.blocked)]
        elsewhere = [w for w in early if w.does is Does.WAIT]
        if elsewhere:
            yield Hint(Gap.AWAITED_ELSEWHERE, record, elsewhere[0])
        elif not early and waits:
            yield Hint(Gap.AWAITED_LATE, record, waits[0])
        elif not early:
            yield Hint(Gap.NOT_AWAITED, record)


def _before(journal: Journal, pair: Pair) -> Iterator[Hint]:
    """The last wait of the host for the work's stream, before the work was enqueued."""
    earlier = journal.calls[: journal.place(pair.first)]
    for call in reversed(earlier):
        on = call.on
        if call.does is Does.SYNCHRONIZE and on is not None and on.named is not Named.EVENT:
            covers = on.named is Named.ALL or on.name == pair.first.stream
            if covers and any(c.stream == pair.first.stream for c in earlier):
                yield Hint(Gap.WAITED_BEFORE, None, call)
                return


def _early(journal: Journal, order: Order, pair: Pair) -> Iterator[Hint]:
    """The last recording in the work's stream before the work, if no call waits for it."""
    for record in reversed(journal.calls[: journal.place(pair.first)]):
        if record.does is Does.RECORD and record.stream == pair.first.stream:
            waits = (call for call in journal.calls if call.waits_for_event)
            if not any(record.id in order.bound(wait) for wait in waits):
                yield Hint(Gap.EARLY_UNAWAITED, record)
            return
