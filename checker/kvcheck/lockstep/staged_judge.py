"""A reporter that takes each step of a staging in its design, and compares what is shown with it.

It decides whether a staging keeps to `staging-v1` or `staging-v2`; the design decides what is
allowed, and `frontier` explains a refusal. The idea: the host's steps are told, the device's are
seen by the watch, and both are taken in one order: what the device did with a shipment before the
host told of it is taken right after it was told.

The loop is `_take`: word the event, take the step for each row of the batch, compare what is shown.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import NoReturn

import kvspec.staging_events as events
from kvcheck.lockstep.compiled import OUTSIDE
from kvcheck.lockstep.frontier import ranked
from kvcheck.lockstep.judge import RING_DEFAULT, OnRefusal, reporter_line
from kvcheck.lockstep.refusal import Conjunct, Disagreement, Nearest, Reason, Refusal, Refused
from kvcheck.lockstep.staged import ROWS_KEPT, Seen, StagedDesign, TooMany, said
from kvcheck.lockstep.staged_watch import ShipmentWatch
from kvcheck.verdict import Evidence, Outcome, Verdict
from kvspec.lang.concrete import Arguments
from kvspec.lang.ir import Require
from kvspec.lang.state import State
from kvspec.staging_events import (
    Finish,
    MarkId,
    Observation,
    Observe,
    Rows,
    ShipmentId,
    Shown,
    StagingEvent,
    Told,
)

ASKED = "the host was told that the event of what it frees is done"
SENT = "the shipment that is told was sent"


class StagedJudge:
    """Judges one staging of one table from its start; `verdict` says what came of it, and to which
    of the design's fields it was blind all along.

    The index, the table and the staging report to it, and are given the device of its watch.
    Nothing is judged after the first refusal; one that the device's own step brings is raised, if
    refusals are, when the host tells of its next.
    """

    def __init__(
        self,
        design: StagedDesign,
        watch: ShipmentWatch,
        *,
        on_refusal: OnRefusal = OnRefusal.RAISE,
        ring: int = RING_DEFAULT,
    ) -> None:
        self.design, self.watch, self.on_refusal = design, watch, on_refusal
        no_pages = watch.shape.full([[]] * len(watch.shape.pools))
        self.names = design.names(no_pages)
        self.states: list[State] = [design.start] * design.sizes["S"]
        self.number = self.last_good = 0
        self.taken: Counter[str] = Counter()
        self.refusal: Refusal | None = None
        self._is_over, self._unjudged, self._read_count = False, "", 0
        self._unshown = list(design.fields)
        self._recent: deque[tuple[int, StagingEvent]] = deque(maxlen=ring)
        self._table = events.MemoryId(0)
        self._readers: list[events.MemoryId] = []
        self._ahead: deque[ShipmentId] = deque()
        self._queued: dict[str, list[ShipmentId]] = {}
        self._marks: dict[ShipmentId, MarkId] = {}
        watch.on_finish, watch.on_learn = self._finished, self._learned

    # ---- the loop

    def report(self, event: Told, shown: Shown) -> None:
        """Judge one step of the host, then what the device did in the meantime.

        Raises:
            Refused: the design does not allow it, and the judge was asked to raise.
        """
        if self.refusal is not None and self.on_refusal is OnRefusal.RAISE:
            raise Refused(self.refusal)
        told = shown.observe()
        self._take(event, told)
        if isinstance(event, events.Stage | events.Launch) and not self._is_over:
            self.watch.release(event.shipment)
            self._learned()
        if self.refusal is not None and self.on_refusal is OnRefusal.RAISE:
            raise Refused(self.refusal)

    def _take(self, event: StagingEvent, told: Observation | None) -> None:
        if self._is_over:
            return
        self.number += 1
        self._recent.append((self.number, event))
        try:
            self._meet(event, told)
            before = self.states
            chosen = [
                self.design.arguments(event, self.names, state, place)
                for place, state in enumerate(before)
            ]
            self._step(event, chosen, told)
            self._follow(event)
            if told is not None:
                self._compare(event, before, chosen, self._seen(told))
        except TooMany as limit:
            self._is_over, self._unjudged = True, str(limit)
        except Refused as refused:
            self._is_over, self.refusal = True, refused.refusal
        else:
            self.last_good = self.number
            self._forget(event)

    def _step(
        self, event: StagingEvent, chosen: Sequence[Arguments | None], told: Observation | None
    ) -> None:
        """The step in each state; the design has no such action in none or in all of them."""
        states = list(self.states)
        for place, arguments in enumerate(chosen):
            if arguments is None:
                return
            name = event.action  # type: ignore[union-attr]  # what has arguments has an action
            after = self.design.compiled.steps[name](states[place], arguments)
            if isinstance(after, int):
                seen = self._seen(told or Observation())
                self._refuse_check(event, after, (name, arguments), seen, place)
            states[place] = after
        self.states = states
        self.taken[event.action] += 1  # type: ignore[union-attr]  # as above

    def _compare(
        self,
        event: StagingEvent,
        before: list[State],
        chosen: Sequence[Arguments | None],
        seen: Seen,
    ) -> None:
        """What is shown against the states after the step."""
        if self._unshown:
            self._unshown = [one for one in self._unshown if one.shown(seen, 0) is None]
        for place, state in enumerate(self.states):
            wrong = tuple(self.design.differences(self.names, state, seen, place))
            if wrong:
                self.states = before
                own = chosen[place]
                wanted = None if own is None else (event.action, own)  # type: ignore[union-attr]
                self._refuse(event, Reason.SHOWN, seen, place, wanted=wanted, wrong=wrong)

    # ---- what is told, and what follows from it

    def _meet(self, event: StagingEvent, told: Observation | None) -> None:
        """What has to be known before the step is worded."""
        match event:
            case events.OpenTable(table=table):
                self._table = table
                if "C" in self.design.sizes:
                    self.names.buffer(table)
            case events.Stage(shipment=number) | events.Launch(shipment=number):
                self._sent(event, number)
                for one in (told and told.kept) or ():
                    self._marks[one.shipment] = one.mark
            case events.Retire(shipment=number):
                self._asked(event, number)

    def _sent(self, event: events.Stage | events.Launch, number: ShipmentId) -> None:
        """The shipment that is told is one that the device was given, out of that memory."""
        sent = self.watch.tell(number)
        found = "no copy and no launch" if sent is None else f"memory{sent.source.buffer.memory}"
        due = f"memory{event.source}"
        if found != due or event.source == self._table:
            is_table = found == due
            label = "the rows have memory of their own, not the table's" if is_table else SENT
            values = (("rows are read from", found), ("the table is in", f"memory{self._table}"))
            self._refuse(event, Reason.DEVICE, None, 0, label=label, values=values)

    def _asked(self, event: events.Retire, number: ShipmentId) -> None:
        """The host knows that the mark of what it frees is done."""
        mark = self._marks.get(number)
        if mark is not None and not self.watch.is_told(mark) and self._is_fired():
            values = ((f"shipment{number}", "neither asked nor waited for"),)
            self._refuse(event, Reason.DEVICE, None, 0, label=ASKED, values=values)

    def _is_fired(self) -> bool:
        """Whether the design allows the retirement, so that only the question is missing."""
        return not isinstance(self.design.compiled.steps["retire"](self.states[0], ()), int)

    def _follow(self, event: StagingEvent) -> None:
        """What changes outside the states once a step was taken."""
        match event:
            case events.Stage(shipment=number) | events.Launch(shipment=number):
                stream = self.watch.sent[number].stream.name
                self._queued.setdefault(stream, []).append(number)
                self._ahead.append(number)
            case events.EndRequest(request=request):
                self.names.request_of.pop(request, None)
            case events.Ask(table=table):
                self._readers.append(table)
            case Finish(shipment=number, stream=stream):
                self._queued[stream].remove(number)
            case Observe():
                self._ahead.popleft()
            case events.Retire(shipment=number):
                self._marks.pop(number, None)

    def _forget(self, event: StagingEvent) -> None:
        """Give back the numbers of what is over."""
        if isinstance(event, Observe | events.Retire):
            for shipment, number in list(self.names.shipment_of.items()):
                if self.design.is_over(self.states[0], number):
                    self.states = [self.design.without(state, number) for state in self.states]
                    del self.names.shipment_of[shipment]
                    self.watch.forget(shipment)
        if len(self.names.rows) > ROWS_KEPT:
            used = (self.design.rows_in(state) for state in self.states)
            self.names.keep_rows(frozenset({0}).union(*used))

    def _seen(self, told: Observation) -> Seen:
        slots = self.design.sizes["S"]
        at = self._table if told.table is None else told.table
        pending = [number for queue in self._queued.values() for number in queue]
        return Seen(
            told=told,
            rows=self.watch.table_rows(at, slots) if at else None,
            queued={name: tuple(queue) for name, queue in self._queued.items()},
            to_read={number: self.watch.to_read(number) for number in pending},
            marks=None if told.kept is None else self._stands(told, pending),
            noted=self.watch.noted(),
            readers=tuple(self.watch.table_rows(table, slots) for table in self._readers),
        )

    def _stands(
        self, told: Observation, pending: Sequence[ShipmentId]
    ) -> Mapping[ShipmentId, frozenset[ShipmentId]]:
        return {
            one.shipment: frozenset(n for n in pending if self.watch.stands_for(one.mark, n))
            for one in told.kept or ()
        }

    # ---- the device

    def _finished(self, number: ShipmentId) -> None:
        """The device has executed a shipment that was told: it read what the design says."""
        if self._is_over:
            return
        read, stream = self.watch.read(number), self.watch.sent[number].stream.name
        event = Finish(number, stream, read)
        self._take(event, None)
        if self._is_over:
            return
        self._read_count += 1
        for place, state in enumerate(self.states):
            mine, own = read[place % len(read)], self._got(state, number)
            if mine != own:
                wrong = Disagreement("read", f"read[shipment{number}]", said(mine), said(own))
                try:
                    self._refuse(event, Reason.DEVICE, None, place, wrong=(wrong,))
                except Refused as refused:
                    self._is_over, self.refusal = True, refused.refusal
                    return

    def _got(self, state: State, number: ShipmentId) -> Rows:
        says = state[self.design.places["got"]][self.names.shipment_of[number]]
        assert isinstance(says, int), "what a row says is an id"
        return self.names.rows[says]

    def _learned(self) -> None:
        """The host has waited, or was answered yes: it knows what is complete, oldest first."""
        while self._ahead and not self._is_over and self.watch.is_known(self._ahead[0]):
            self._take(Observe(self._ahead[0]), None)

    # ---- what came of it

    @property
    def step_count(self) -> int:
        """Steps of the design that were taken."""
        return self.taken.total()

    def verdict(self) -> Verdict:
        """What the judge has seen; no step of the design seen is `not run`, never a pass."""
        sizes = ", ".join(f"{name}={size}" for name, size in self.design.sizes.items() if size)
        bound = f"{sizes}, {self.step_count} steps, {self._read_count} shipments read"
        if self._unshown:
            bound += f", blind to {', '.join(sorted(one.name for one in self._unshown))}"
        if self.refusal is not None:
            reason = f"event {self.refusal.number}: {self.refusal.reason.value}"
            return Verdict(Outcome.VIOLATED, Evidence.OBSERVED, bound, reason)
        if self._unjudged:
            return Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, bound, self._unjudged)
        if not self.step_count:
            return Verdict(Outcome.NOT_RUN, Evidence.NONE, bound, "no step was reported")
        return Verdict(Outcome.HOLDS, Evidence.OBSERVED, bound)

    # ---- refusing

    def _refuse_check(
        self,
        event: StagingEvent,
        check: int,
        wanted: tuple[str, Arguments],
        seen: Seen,
        place: int,
    ) -> NoReturn:
        if check == OUTSIDE:
            self._refuse(event, Reason.OUTSIDE, seen, place)
        is_guard = isinstance(self.design.compiled.checks[check], Require)
        reason = Reason.DISABLED if is_guard else Reason.ASSERTION
        self._refuse(event, reason, seen, place, wanted=wanted)

    def _refuse(
        self,
        event: StagingEvent,
        reason: Reason,
        seen: Seen | None,
        place: int,
        *,
        wanted: tuple[str, Arguments] | None = None,
        wrong: tuple[Disagreement, ...] = (),
        label: str = "",
        values: tuple[tuple[str, str], ...] = (),
    ) -> NoReturn:
        state = self.states[place]
        seen = self._seen(Observation()) if seen is None else seen
        reading = self.design.reading(self.names, seen, place, wanted)
        near = None
        if wanted is not None:
            near = reading.nearest(state, *wanted)
        elif label:
            near = Nearest(type(event).__name__, (), None, Conjunct(label, "", "", values, None))
        raise Refused(
            Refusal(
                number=self.number,
                event=event,
                reason=reason,
                wanted=near,
                disagreements=wrong,
                frontier=ranked(reading, state, wanted),
                last_good=self.last_good,
                recent=tuple(self._recent),
                reported_at=None if isinstance(event, Finish | Observe) else reporter_line(),
            )
        )
