"""The sentences of a race report: what is unordered with what, why nothing orders it, what would.

It decides words only; every fact in them comes from the journal. Steps are those of the run that
was watched, and work in a stream is spoken of by the step at which it was enqueued, since that is
where the program can be changed.
"""

from __future__ import annotations

from collections.abc import Sequence

from kvcheck.race.applied import Repair
from kvcheck.race.between import Gap, Hint, Pair
from kvcheck.race.journal import FREE, Call, Does, Journal
from kvimpl.device.port import Access, FindingKind, Mode

MAIN = "host"
VERB = {Mode.READ: "read", Mode.WRITE: "write", Mode.READ_WRITE: "read and write"}


def told(
    kind: FindingKind,
    accesses: tuple[Access, Access],
    pair: Pair,
    hints: Sequence[Hint],
    repair: Repair | None,
    journal: Journal,
) -> str:
    """The report, several lines. `accesses` are those of the pair, in its order."""
    words = _Words(journal)
    first, second = accesses
    lines = [
        f"{kind.value}: {words.access(second, pair.second, pair.is_work[1], is_subject=True)}"
        f"{',' if pair.is_work[1] else ''} is unordered with "
        f"{words.access(first, pair.first, pair.is_work[0])}."
    ]
    lines += _lines(words, pair)
    if pair.blocked is not pair.second:
        lines.append(
            f"The memory had changed hands in between: {pair.blocked.uses[0].buffer} was freed at "
            f"{words.at(pair.blocked)}, which did not wait for {words.work(pair.first)}."
        )
    elif FREE in second.does and pair.is_work[0]:
        lines.append("The free does not wait, so the memory may be given out again too early.")
    lines += [words.hint(hint, pair) for hint in hints] or ["Nothing between them orders it."]
    lines.append(words.repair(repair, pair))
    return "\n".join(lines)


def _lines(words: _Words, pair: Pair) -> list[str]:
    names = [words.name(pair.second), words.name(pair.first)]
    width = max(len(name) for name in names)
    calls = (pair.second, pair.first)
    return [f"    {name:<{width}}  {call.at}" for name, call in zip(names, calls, strict=True)]


class _Words:
    """How the calls of one journal are spoken of."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def name(self, call: Call) -> str:
        """`gather`, or `the 2nd gather` where there are several."""
        if call.does is Does.FREE:
            return f"free of {call.label}"
        alike = [c for c in self._journal.calls if c.label == call.label and c.does is call.does]
        if call.does is Does.WORK and len(alike) > 1:
            return f"the {_ordinal(alike.index(call) + 1)} {call.label}"
        return call.label

    def work(self, call: Call) -> str:
        """The name inside a sentence."""
        name = self.name(call)
        return name if name.startswith("the ") else f"the {name}"

    def at(self, call: Call) -> str:
        """`step 4 (staging.py:36)`."""
        return f"step {call.step} ({_short(call)})"

    def access(self, access: Access, call: Call, is_work: bool, *, is_subject: bool = False) -> str:
        """What was done to which bytes, by whom."""
        place = _place(access)
        if access.does.startswith(FREE):
            return f"the free of {place} at step {call.step}{_by(call)}"
        if not access.stop:
            return f"{access.does} at step {access.step}{_by(call)}"
        if is_work:
            verb = VERB[access.mode]
            where = f"on stream {call.stream}, enqueued at step {call.step}"
            return f"the {verb} of {place} by {self.name(call)} {where}"
        if call.does is Does.WORK:
            return f"the read of {place} by the call of {self.name(call)} at step {call.step}"
        article = "" if is_subject else "the "
        return f"{article}host {VERB[access.mode]} of {place} at step {call.step}{_by(call)}"

    def hint(self, hint: Hint, pair: Pair) -> str:
        """One sentence: a call that looks as if it ordered the two, and why it does not."""
        work = self.work(pair.first)
        record, wait = hint.record, hint.wait
        if record is None:
            assert wait is not None
            return self._waited(hint.gap, wait, pair)
        event = f"Event {_event(record)} was recorded at {self.at(record)}"
        if hint.gap is Gap.NOT_AWAITED:
            return f"{event}, after {work}, but nothing waits for it before {self.target(pair)}."
        before = f"before {work} was enqueued at step {pair.first.step}"
        if hint.gap is Gap.EARLY_UNAWAITED:
            return f"{event}, {before}, and nothing waits for it."
        assert wait is not None
        asks = f"{_asking(wait)} at {self.at(wait)}"
        if hint.gap is Gap.RECORDED_EARLY:
            return f"{event}, {before}, so {asks} orders nothing here."
        if hint.gap is Gap.EARLIER_MARK:
            return (
                f"{event}, {before}, and again after it; {asks} is for the earlier recording, so "
                "it orders nothing here."
            )
        if hint.gap is Gap.OTHER_STREAM:
            streams = f"on stream {record.stream}, and {work} is on stream {pair.first.stream}"
            return f"{event} {streams}, so {asks} orders nothing here."
        if hint.gap is Gap.ANSWERED_NO:
            return f"{event}, after {work}, but {asks} said no, which orders nothing."
        if hint.gap is Gap.AWAITED_ELSEWHERE:
            return (
                f"{event}, after {work}, but it is stream {wait.stream} that waits for it at "
                f"{self.at(wait)}, and that does not lead to {self.goal(pair)}."
            )
        return f"{event}, after {work}, but {asks} comes after {self.target(pair)}."

    def _waited(self, gap: Gap, wait: Call, pair: Pair) -> str:
        work = self.work(pair.first)
        if gap is Gap.NEVER_RECORDED:
            return (
                f"Event {wait.label} had not been recorded at {self.at(wait)}, so {_asking(wait)} "
                "there orders nothing."
            )
        if gap is Gap.OTHER_STREAM:
            return (
                f"The {wait.does.value} at {self.at(wait)} is about stream {wait.label}, and "
                f"{work} is on stream {pair.first.stream}, so it orders nothing here."
            )
        if gap is Gap.WAITED_BEFORE:
            return (
                f"The host waited for {wait.label} at {self.at(wait)}, before {work} was enqueued "
                f"at step {pair.first.step}; nothing after that orders it."
            )
        return f"The query at {self.at(wait)} said no, which orders nothing."

    def goal(self, pair: Pair) -> str:
        """What a wait must lead to."""
        what = self.work(pair.blocked)
        enqueued = ", enqueued" if pair.goal.is_executing else ""
        return f"{what}{enqueued} at step {pair.blocked.step}"

    def target(self, pair: Pair) -> str:
        """What a wait must be before."""
        call = pair.blocked
        if pair.goal.is_executing:
            return f"{self.work(call)} is enqueued at step {call.step}"
        return f"{self.work(call)} at step {call.step}"

    def repair(self, repair: Repair | None, pair: Pair) -> str:
        """One sentence: what would order the two."""
        if repair is None:
            return (
                f"No recording and wait of one task would: the calls are those of tasks "
                f"'{pair.first.task}' and '{pair.second.task}'. Hold one lock around both, or let "
                "one task make both."
            )
        if repair.join:
            return f"Joining task {repair.join} before {self.target(pair)} would."
        if repair.mark:
            record = self._call(repair.mark)
            what = f"{_event(record)}, recorded at {self.at(record)},"
            return f"{_waiting(repair)} for {what} before {self.target(pair)} would."
        work = self.work(pair.first)
        if repair.is_of_stream:
            wait = self._call(repair.rebound)
            stream = f"stream {repair.stream}"
            return f"A {wait.does.value} of {stream} at {self.at(wait)}, where {work} is, would."
        if repair.rebound:
            wait = self._call(repair.rebound)
            speaks = "then speaks of it" if wait.does is Does.QUERY else "then covers it"
            return (
                f"Recording {_event(wait)} on stream {repair.stream} after {work} would: "
                f"{_asking(wait)} at {self.at(wait)} {speaks}."
            )
        before = f"{_waiting(repair).lower()} for it before {self.target(pair)}"
        return f"Recording {self._an_event(pair)} after {work} and {before} would."

    def _call(self, id_: int) -> Call:
        return next(call for call in self._journal.calls if call.id == id_)

    def _an_event(self, pair: Pair) -> str:
        """The event that the program records in that stream, if it has one."""
        calls = self._journal.calls
        mine = [c for c in calls if c.does is Does.RECORD and c.stream == pair.first.stream]
        names = {c.label for c in mine}
        return names.pop() if len(names) == 1 else "an event"


def _waiting(repair: Repair) -> str:
    return f"Letting stream {repair.waiting} wait" if repair.waiting else "Waiting"


def _asking(wait: Call) -> str:
    return "the query" if wait.does is Does.QUERY else "waiting for it"


def _event(call: Call) -> str:
    """An event by its name: a record's label, or what a wait names."""
    return call.on.name if call.on is not None else call.label


def _by(call: Call) -> str:
    return "" if call.task == MAIN else f" by task {call.task}"


def _place(access: Access) -> str:
    """`rows[0:64)`; the life is told where the memory has had several."""
    label, _, life = access.buffer.rpartition("#")
    name = label if life.endswith(".1") else access.buffer
    return f"{name}[{access.start}:{access.stop})"


def _short(call: Call) -> str:
    return f"{call.at.file.rpartition('/')[2]}:{call.at.line}"


def _ordinal(number: int) -> str:
    if 10 <= number % 100 <= 20:
        return f"{number}th"
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"
