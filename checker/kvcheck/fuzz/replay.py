"""A kept case run again on its recorded schedule, and what is to be believed of its record.

It decides whether the record still applies; it never searches for the failure elsewhere. The idea:
the case is run twice, and only two equal runs are compared with the record, since a run that
depends on something outside its case says nothing about it. Another manager may take other steps
than the recorded ones; the case's own order then stands in, and the answer says so. A record of
another device has no schedule: its case is run under its own order, and a failure that is not seen
there is not gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

import msgspec

from kvcheck.fuzz.case import SIM_NAME, Case, Ran
from kvcheck.fuzz.corpus import Entry
from kvcheck.fuzz.looks import EVERYTHING, Look
from kvcheck.fuzz.runner import RIGHT
from kvcheck.fuzz.shrink_moves import REPLAY, recorded
from kvcheck.schedule import ReplayDiverged, parsed
from kvimpl.bugs import BUGS

Run: TypeAlias = Callable[[Case], Ran]


class Applies(Enum):
    """What a replay came to."""

    SAME = "fails as recorded"
    OTHER = "fails, in another class than recorded"
    GONE = "the record's failure is gone"
    SHOWN = "the bytes that the recorded race led to are wrong here too"
    UNSEEN = "the record's failure was not seen here"
    DIVERGED = "the record no longer applies"
    HIDDEN = "two runs of the same case differ"


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay came to, its run if it came to an end, and why in words."""

    applies: Applies
    ran: Ran | None
    why: str


def looks_for(entry: Entry, manager: str | None) -> frozenset[Look]:
    """The witnesses of the device that a replay's judge has.

    A race that was kept is replayed as one: a judge that is told of waits would end the run sooner,
    as another failure. Any other record, or another manager, is looked at with everything.
    """
    is_race = entry.failure.kind == "finding" and manager in (None, entry.case.manager)
    return frozenset() if is_race else EVERYTHING


def managers() -> tuple[str, ...]:
    """The names that a case's manager may have: the right one first."""
    return RIGHT, *BUGS


def replay(entry: Entry, run: Run, *, manager: str | None = None) -> Replayed:
    """Run the entry's case twice on its recorded line, with its own manager or with another.

    Raises:
        ValueError: the sizes, the line or the manager mean nothing to this version.
    """
    named = msgspec.structs.replace(entry.case, manager=manager or entry.case.manager)
    if entry.device != SIM_NAME:
        return _elsewhere(entry, _twice(entry, named, run), named.order)
    exact = _twice(entry, recorded(named, entry.line), run)
    is_another = named.manager != entry.case.manager
    if exact.applies is not Applies.DIVERGED or not is_another or named.order.startswith(REPLAY):
        return exact
    own = _twice(entry, named, run)
    why = f"The recorded schedule is not {named.manager}'s: {exact.why} "
    return Replayed(own.applies, own.ran, f"{why}Under the case's order, {named.order}: {own.why}")


def _elsewhere(entry: Entry, ours: Replayed, order: str) -> Replayed:
    """Of a record of another device: one order of sim is no word on the order that it had there."""
    why = f"Recorded on {entry.device}, run on {SIM_NAME} under {order}: {ours.why}"
    is_gone = ours.applies is Applies.GONE
    return Replayed(Applies.UNSEEN if is_gone else ours.applies, ours.ran, why)


def _twice(entry: Entry, case: Case, run: Run) -> Replayed:
    first, second = _outcome(case, run), _outcome(case, run)
    if first != second:
        return Replayed(Applies.HIDDEN, None, _difference(first, second))
    if isinstance(first, str):
        return Replayed(Applies.DIVERGED, None, first)
    return _judged(entry, first)


def _judged(entry: Entry, ran: Ran) -> Replayed:
    kind, detail = entry.failure.key
    if ran.failure is None:
        return Replayed(
            Applies.GONE,
            ran,
            f"{ran.steps} steps were judged and none of them failed; the record's failure was "
            f"{kind}: {detail}.{_left(entry, ran)}",
        )
    if ran.failure.key != entry.failure.key:
        return Replayed(
            Applies.OTHER,
            ran,
            f"the record's failure was {kind}: {detail}; this run's is {ran.failure.kind}: "
            f"{ran.failure.detail}.",
        )
    return Replayed(Applies.SAME, ran, f"{kind}: {detail}.{_left(entry, ran)}")


def _left(entry: Entry, ran: Ran) -> str:
    """Where the run's own line is another than the record's: it ended sooner, or went on."""
    if entry.device != SIM_NAME:
        return ""
    wanted, went = parsed(entry.line), parsed(ran.line)
    if wanted == went:
        return ""
    return f" The record has {len(wanted)} scheduled steps, and this run took {len(went)}."


def _outcome(case: Case, run: Run) -> Ran | str:
    try:
        return run(case)
    except ReplayDiverged as diverged:
        return str(diverged)


def _difference(first: Ran | str, second: Ran | str) -> str:
    return (
        f"The first run: {_told(first)}; the second: {_told(second)}. "
        "The manager uses time, chance, ids or the order of a set of its own. Pass these in."
    )


def _told(outcome: Ran | str) -> str:
    if isinstance(outcome, str):
        return outcome
    failed = "no failure" if outcome.failure is None else " ".join(outcome.failure.key)
    return f"{failed}, {outcome.steps} steps, schedule {outcome.line[:200]}"
