"""The shared manager's steps, each taken in the design `remote` and compared with what is shown.

It decides how those steps are worded in the design and when what is shown may be compared; the
design decides what is allowed. The idea: steps come in the order of their lock, so one state
follows all threads. What is told under the lock is compared with that state; a copy and a read are
told without it, while others may be in the middle of a section, so their steps are only taken. That
a copy is complete is the device's to say: `executed` is told each operation as it executes.
"""

from __future__ import annotations

import sys
from collections import Counter, deque
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TypeAlias

from kvcheck.lockstep.compiled import OUTSIDE
from kvcheck.lockstep.frontier import call, conjunct, differences, frontier
from kvcheck.lockstep.judge import RING_DEFAULT, OnRefusal
from kvcheck.lockstep.refusal import (
    Completed,
    Disagreement,
    Nearest,
    Reason,
    Refusal,
    Refused,
    Told,
)
from kvcheck.lockstep.remote_design import STANDS, STREAM, Seen
from kvcheck.lockstep.tiers import Design, Requests
from kvcheck.trace.record import SourceLine
from kvcheck.trace.source import source_line
from kvcheck.verdict import Evidence, Outcome, Verdict
from kvimpl.device.port import Op
from kvimpl.shared import steps
from kvimpl.shared.steps import SharedShown, SharedState, SharedStep
from kvspec.events import BlockId, CopyId, PinId, SlotId
from kvspec.lang.concrete import Arguments
from kvspec.lang.ir import Position, Require
from kvspec.lang.state import State
from kvspec.lang.types import EnumType
from kvspec.models.remote import Job

Taken: TypeAlias = tuple[str, Arguments]


class NotInTheDesign(Exception):
    """A step that the design has no word for, so nothing after it can be judged."""


class RemoteJudge:
    """Judges one manager from its start; `verdict` says what came of it.

    Nothing is judged after the first refusal. `taken` counts the design's actions.
    """

    def __init__(self, design: Design, *, on_refusal: OnRefusal = OnRefusal.KEEP) -> None:
        self.design, self.on_refusal = design, on_refusal
        self.state: State = design.start
        self.taken: Counter[str] = Counter()
        self.refusal: Refusal | None = None
        self.number = self.last_good = 0
        self._requests = Requests(1)
        self._recent: deque[tuple[int, Told]] = deque(maxlen=RING_DEFAULT)
        self._row = {variable.name: n for n, variable in enumerate(design.model.variables)}
        readers = len(self.state[self._row["has"]])
        self._unused = list(reversed(range(readers)))
        self._reader_of: dict[PinId, int] = {}
        self._sent: dict[str, steps.Sent] = {}
        self._flying: set[CopyId] = set()
        self._not_noted: set[SlotId] = set()
        self._unjudged = ""
        self._seen: Seen | None = None

    # ---- the loop

    def report(self, step: SharedStep, shown: SharedShown) -> None:
        """Judge one step.

        Raises:
            Refused: the design does not allow it, and the judge was asked to raise.
        """
        self._judged(step, shown.observe())

    def executed(self, op: Op) -> None:
        """Judge that an operation of the device has executed; only copies are steps."""
        sent = self._sent.pop(op.label, None)
        if sent is not None:
            self._flying.remove(sent.copy)
            self._judged(Completed(sent.copy, sent.stream), None)

    def _judged(self, event: Told, shown: SharedState | None) -> None:
        if self.refusal is not None or self._unjudged:
            return
        self.number += 1
        self._recent.append((self.number, event))
        before = self.state
        try:
            self._judge(event, shown, before)
        except NotInTheDesign as limit:
            self._unjudged = str(limit)
        except Refused:
            if self.on_refusal is OnRefusal.RAISE:
                raise
        else:
            self.last_good = self.number

    def _judge(self, event: Told, shown: SharedState | None, before: State) -> None:
        words = _WORDS.get(type(event))
        if words is None:
            raise NotInTheDesign(f"the design has no {type(event).__name__}")
        if isinstance(event, steps.Sent):
            self._sent[event.label] = event
            self._flying.add(event.copy)
            self._not_noted.add(event.target)
        if isinstance(event, steps.Swapped | steps.Stayed | steps.GaveUp):
            self._not_noted.clear()
        is_comparable = shown is not None and not isinstance(event, steps.Sent | steps.Reads)
        self._seen = None if shown is None else self._in_words(shown)
        for taken in words(self, event):
            self._take(event, taken)
        wrong = tuple(self._told_wrong(event))
        if wrong:
            self.state = before
            self._refuse(event, Reason.TOLD, wrong=wrong)
        if is_comparable:
            assert shown is not None
            self._seen = self._in_words(shown)
            fields = self.design.fields
            wrong = tuple(differences(fields, self._requests, self.state, self._seen))  # type: ignore[arg-type]  # it reads fields by name
            if wrong:
                self.state = before
                self._refuse(event, Reason.SHOWN, wrong=wrong)

    def _take(self, event: Told, taken: Taken) -> None:
        name, chosen = taken
        after = self.design.compiled.steps[name](self.state, chosen)
        if isinstance(after, int):
            if after == OUTSIDE:
                self._refuse(event, Reason.OUTSIDE)
            is_guard = isinstance(self.design.compiled.checks[after], Require)
            why = Reason.DISABLED if is_guard else Reason.ASSERTION
            self._refuse(event, why, wanted=taken)
        self.taken[name] += 1
        self.state = after

    def _told_wrong(self, event: Told) -> list[Disagreement]:
        """What the event says of its step, and the design does not."""
        kind = type(event).__name__
        wrong = []
        stands = STANDS.get(type(event))
        if stands is not None and self.stands not in stands:
            wrong.append(
                Disagreement(
                    "scheduler", f"{kind}: the scheduler stands at", stands[0], self.stands
                )
            )
        if isinstance(event, steps.Sent):
            stream = STREAM[event.stream].value
            for name, mine in ("source", event.source), ("target", event.target):
                design = self._cell(name, stream)
                if mine != design:
                    wrong.append(Disagreement(name, f"{kind}.{name}", str(mine), str(design)))
        if isinstance(event, steps.Pinned):
            design = self._cell("told", self._reader_of[event.pin])
            if event.slot != design:
                wrong.append(Disagreement("slot", f"{kind}.slot", str(event.slot), str(design)))
        return wrong

    # ---- the design's words

    @property
    def stands(self) -> str:
        """Where the design's scheduler stands."""
        number = self._row["scheduler__at"]
        kind = self.design.model.variables[number].leaf
        assert isinstance(kind, EnumType)
        at = self.state[number][0]
        assert isinstance(at, int)
        return kind.members[at]

    def scheduler(self) -> Taken:
        """The scheduler goes on from where it stands."""
        return f"scheduler__{self.stands}", ()

    def job(self, job: Job, block: BlockId) -> tuple[Taken, Taken]:
        """The engine asks, and the scheduler begins."""
        return ("ask", (job.value, block)), self.scheduler()

    def pinned(self, event: steps.Pinned | steps.Full) -> tuple[Taken, Taken]:
        """A request arrives, and its reader looks."""
        if not self._unused:
            raise NotInTheDesign(f"more than {len(self._reader_of)} pins are out at once")
        is_used = self._cell("refs", event.block) and not self._cell("in_hand", event.block)
        if is_used and not self._cell("cached", event.block):
            raise NotInTheDesign("a pin of a block that is held and not cached")
        reader = self._unused[-1]
        if isinstance(event, steps.Pinned):
            self._reader_of[event.pin] = self._unused.pop()
        return ("order", (reader, event.block)), (
            f"reader__{self._reader_stands(reader)}",
            (reader,),
        )

    def reads(self, event: steps.Reads) -> tuple[Taken, ...]:
        """The reader has waited."""
        return (("reader__pinned", (self._reader_of[event.pin],)),)

    def unpinned(self, event: steps.Unpinned) -> tuple[Taken, ...]:
        """The reader is done."""
        reader = self._reader_of.pop(event.pin)
        self._unused.append(reader)
        if self._cell("reads", reader):
            return (("reader__reads", (reader,)),)
        if self._cell("noted", self._told(reader)):
            raise NotInTheDesign("a pin that is given back unread, before its slot is written")
        return (("reader__pinned", (reader,)), ("reader__reads", (reader,)))

    def joined(self, event: steps.Joined | steps.Missed) -> tuple[Taken, Taken]:
        """A match that needs no copy, or comes to nothing."""
        if self._cell("in_table", event.block):
            raise NotInTheDesign("two requests that hold one block: the design has one table")
        return self.job(Job.MATCH, event.block)

    def completed(self, event: Completed) -> tuple[Taken, ...]:
        """The copy of that number is complete."""
        return (("complete", (STREAM[event.stream].value,)),)

    def _reader_stands(self, reader: int) -> str:
        number = self._row["reader__at"]
        kind = self.design.model.variables[number].leaf
        assert isinstance(kind, EnumType)
        at = self.state[number][reader]
        assert isinstance(at, int)
        return kind.members[at]

    def _told(self, reader: int) -> int:
        slot = self._cell("told", reader)
        assert isinstance(slot, int)
        return slot

    def _cell(self, name: str, at: int) -> object:
        return self.state[self._row[name]][at]

    def _in_words(self, shown: SharedState) -> Seen:
        """What is shown, in the design's words. That a slot is being written is known to the
        manager from the section after the copy was sent, and to the design from the copy on."""
        noted = [copy in self._flying for copy in shown.noted]
        for slot in self._not_noted:
            noted[slot] = bool(self._cell("noted", slot))
        return Seen(
            slot=shown.slot,
            refs=shown.refs,
            in_table=tuple(map(bool, shown.holders)),
            in_hand=shown.in_hand,
            cached=tuple([key is not None for key in shown.keys]),
            free=shown.free,
            free_count=shown.free_count,
            noted=tuple(noted),
        )

    # ---- what came of it

    @property
    def step_count(self) -> int:
        """Actions of the design that were taken."""
        return self.taken.total()

    def verdict(self) -> Verdict:
        """What the judge has seen; no step of the design seen is `not run`, never a pass."""
        shape = self.design.shape
        bound = (
            f"P={shape.primary_count}, S={shape.secondary_count}, "
            f"R={len(self.state[self._row['has']])}, REFS={shape.references_max}, "
            f"{self.step_count} steps"
        )
        if self.refusal is not None:
            reason = f"step {self.refusal.number}: {self.refusal.reason.value}"
            return Verdict(Outcome.VIOLATED, Evidence.OBSERVED, bound, reason)
        if self._unjudged:
            return Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, bound, self._unjudged)
        if not self.step_count:
            return Verdict(Outcome.NOT_RUN, Evidence.NONE, bound, "no step was told")
        return Verdict(Outcome.HOLDS, Evidence.OBSERVED, bound)

    def _refuse(
        self,
        event: Told,
        reason: Reason,
        *,
        wanted: Taken | None = None,
        wrong: tuple[Disagreement, ...] = (),
    ) -> NoReturn:
        near = None
        if wanted is not None:
            name, chosen = wanted
            words = call(self._requests, self.design.actions[name], chosen)
            near = Nearest(name, words, None, conjunct(self.design, self.state, name, chosen))
        allowed: tuple[Nearest, ...] = ()
        if self._seen is not None:
            allowed = frontier(self.design, self._requests, self.state, self._seen, wanted=wanted)  # type: ignore[arg-type]  # it reads fields by name
        self.refusal = Refusal(
            number=self.number,
            event=event,
            reason=reason,
            wanted=near,
            disagreements=wrong,
            frontier=allowed,
            last_good=self.last_good,
            recent=tuple(self._recent),
            reported_at=_told_at(),
        )
        raise Refused(self.refusal)


# Any: each function takes the one event type under which it is entered
_WORDS: Mapping[type, Callable[[RemoteJudge, Any], tuple[Taken, ...]]] = {
    steps.Allocated: lambda judge, e: judge.job(Job.ALLOCATE, e.block),
    steps.NothingFree: lambda judge, _: judge.job(Job.ALLOCATE, BlockId(0)),
    steps.ClaimedDown: lambda judge, e: judge.job(Job.ALLOCATE, e.block),
    steps.ClaimedUp: lambda judge, e: judge.job(Job.MATCH, e.block),
    steps.Joined: lambda judge, e: judge.joined(e),
    steps.Missed: lambda judge, e: judge.joined(e),
    steps.Sent: lambda judge, _: (judge.scheduler(),),
    steps.Swapped: lambda judge, _: (judge.scheduler(),),
    steps.Stayed: lambda judge, _: (judge.scheduler(),),
    steps.Arrived: lambda judge, _: (judge.scheduler(),),
    steps.Released: lambda judge, e: judge.job(Job.RELEASE, e.block),
    steps.Committed: lambda _, e: (("fill", (e.block,)),),
    steps.Pinned: lambda judge, e: judge.pinned(e),
    steps.Full: lambda judge, e: judge.pinned(e),
    steps.Reads: lambda judge, e: judge.reads(e),
    steps.Unpinned: lambda judge, e: judge.unpinned(e),
    Completed: lambda judge, e: judge.completed(e),
}


def _told_at() -> SourceLine | None:
    """The line that told the step: the nearest outside the checker that does more than tell."""
    here = str(Path(__file__).parents[1])
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (
        frame.f_code.co_filename.startswith(here) or frame.f_code.co_name == "_tell"
    ):
        frame = frame.f_back
    return (
        None
        if frame is None
        else source_line(Position(frame.f_code.co_filename, frame.f_lineno, 0))
    )
