"""A finding explained: both accesses with their lines, what lies between, and the least repair.

It decides what a report holds and which call came first; its sentences are `prose`'s.
"""

from __future__ import annotations

from dataclasses import dataclass

from kvcheck.race.applied import Repair
from kvcheck.race.between import Hint, Pair, between
from kvcheck.race.journal import Call, Does, Journal
from kvcheck.race.order import Order
from kvcheck.race.prose import told
from kvcheck.race.repairs import least_repair
from kvimpl.device.port import Access, Finding, FindingKind

PAIRS = (FindingKind.RACE, FindingKind.USE_AFTER_FREE, FindingKind.UNPROTECTED)


@dataclass(frozen=True, slots=True)
class RaceReport:
    """One finding. `pair` is None for one that is not about two accesses."""

    finding: Finding
    pair: Pair | None
    hints: tuple[Hint, ...]
    repair: Repair | None
    text: str

    def __str__(self) -> str:
        return self.text


def explained(finding: Finding, journal: Journal) -> RaceReport:
    """The report on one finding of the run that the journal is of."""
    pair = _pair(finding, journal)
    if pair is None:
        return RaceReport(finding, None, (), None, str(finding))
    hints = between(journal, Order(journal.calls, journal.blocking), pair)
    repair = least_repair(journal, pair)
    accesses = _accesses(finding, pair, journal)
    text = told(finding.kind, accesses, pair, hints, repair, journal)
    return RaceReport(finding, pair, hints, repair, text)


def _pair(finding: Finding, journal: Journal) -> Pair | None:
    if finding.kind not in PAIRS or finding.second is None:
        return None
    one, two = journal.call_of(finding.first), journal.call_of(finding.second)
    if one is None or two is None:
        return None
    works = journal.executes(finding.first), journal.executes(finding.second)
    if journal.place(one) > journal.place(two):
        one, two, works = two, one, (works[1], works[0])
    return Pair(one, two, works, _free_between(journal, one, two) or two)


def _accesses(finding: Finding, pair: Pair, journal: Journal) -> tuple[Access, Access]:
    """The accesses of the finding, the earlier called first."""
    assert finding.second is not None
    both = (finding.first, finding.second)
    is_turned = journal.call_of(finding.first) is not pair.first
    return (both[1], both[0]) if is_turned else both


def _free_between(journal: Journal, one: Call, two: Call) -> Call | None:
    """The free that ended the life which the first access is to, before the second call."""
    lives = {use.buffer for use in one.uses}
    later = {use.buffer for use in two.uses}
    memories = {_memory(name) for name in later}
    for call in journal.calls[journal.place(one) : journal.place(two)]:
        if call.does is Does.FREE and call.uses[0].buffer in lives:
            name = call.uses[0].buffer
            if name not in later and _memory(name) in memories:
                return call
    return None


def _memory(buffer: str) -> str:
    """`rows#3.1` is a life of memory 3."""
    return buffer.rpartition("#")[2].partition(".")[0]
