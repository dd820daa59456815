"""A reporter that takes each reported step in the design and compares what is shown with it.

It decides whether an implementation keeps to its design; the design decides what is allowed, and
`frontier` explains a refusal. The idea: all that is kept is one state, a small ring of events and
the words of that state, so an event costs the same after ten steps and after ten million. The loop
is `_judge`: word the event, take the step, compare what it told, compare what is shown.
"""

from __future__ import annotations

import sys
from collections import Counter, deque
from collections.abc import Sequence
from enum import Enum
from itertools import product
from pathlib import Path
from typing import NoReturn, Protocol, get_args

import kvspec.events as events
from kvcheck.lockstep.compiled import OUTSIDE
from kvcheck.lockstep.frontier import call, conjunct, differences, frontier
from kvcheck.lockstep.ghosts import NAMES as GHOSTS
from kvcheck.lockstep.ghosts import Ghosts
from kvcheck.lockstep.kept import Untold
from kvcheck.lockstep.parts import OpenStep, WrongPart
from kvcheck.lockstep.refusal import (
    Conjunct,
    Disagreement,
    Nearest,
    Reason,
    Refusal,
    Refused,
)
from kvcheck.lockstep.tiers import (
    HOLDERS,
    TOLD,
    Design,
    Requests,
    TooManyRequests,
    UnjudgeableShape,
)
from kvcheck.trace.record import SourceLine
from kvcheck.trace.source import source_line
from kvcheck.verdict import Evidence, Outcome, Verdict
from kvspec.events import Detail, Event, Observation, Part, Refuse, Shape, Shown
from kvspec.lang.concrete import Arguments
from kvspec.lang.ir import Action, Position, Require
from kvspec.lang.state import State

PARTS = frozenset(get_args(Part))
RING_DEFAULT = 8


class OnRefusal(Enum):
    """Whether a refusal stops the implementation where it stands, or is only kept."""

    RAISE = "raise"
    KEEP = "keep"


class Witness(Protocol):
    """What looks at more than is shown, after each step that was good; e.g. at the device."""

    @property
    def blind_spots(self) -> frozenset[str]: ...

    def see(self, event: Event, state: State, ghosts: Ghosts, shape: Shape) -> WrongPart | None: ...


class Judge:
    """Judges one manager from its start; `verdict` says what came of it.

    `detail` says whether the lines inside a step are judged too. Nothing is judged after the first
    refusal. `taken` counts the design's actions, `refused` the guards that were named. `order` and
    `payload` look at the device; without them the verdict says that it is blind to it.
    """

    def __init__(
        self,
        design: Design,
        *,
        detail: Detail = Detail.PARTS,
        on_refusal: OnRefusal = OnRefusal.RAISE,
        ring: int = RING_DEFAULT,
        order: Witness | None = None,
        payload: Witness | None = None,
    ) -> None:
        self.design, self.detail, self.on_refusal = design, detail, on_refusal
        self.state: State = design.start
        self.requests = Requests(design.request_count)
        self.number = self.last_good = self.part_count = self.stutter_count = 0
        self.taken: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.refusal: Refusal | None = None
        self.blind_spots: frozenset[str] = frozenset()
        self.ghosts = Ghosts(design.shape.block_count)
        self._order, self._payload = order, payload
        self._witnesses = [witness for witness in (order, payload) if witness is not None]
        self._is_over, self._unjudged = False, ""
        self._recent: deque[tuple[int, Event]] = deque(maxlen=ring)
        self._open: OpenStep | None = None
        self._shown: Shown | None = None
        self._words, self._steps = design.words, design.compiled.steps
        self._agree = design.agreement()

    # ---- the loop

    def report(self, event: Event, shown: Shown) -> None:
        """Judge one event.

        Raises:
            Refused: the design does not allow it, and the judge was asked to raise.
            UnjudgeableShape: the manager is not of the design's size.
        """
        if self._is_over:
            return
        if shown is not self._shown:
            self._meet(shown)
        self.number = number = self.number + 1
        self._recent.append((number, event))
        try:
            if type(event) in PARTS:
                self._judge_part(event, shown)  # type: ignore[arg-type]  # what PARTS says
            else:
                self._judge(event, shown)
        except (TooManyRequests, Untold) as limit:
            self._is_over, self._unjudged = True, str(limit)
            return
        except Refused:
            self._is_over = True
            if self.on_refusal is OnRefusal.RAISE:
                raise
            return
        self.last_good = number

    def _judge(self, event: Event, shown: Shown) -> None:
        before, self._open = self.state, None
        seen = shown.observe()
        words = self._words.get(type(event))
        if words is not None:
            self.state = self._after(event, words(event, self.requests, before, seen), seen)
        elif type(event) is Refuse:
            self._judge_refusal(event, seen)
        else:
            self.stutter_count += 1
        if not self._agree(seen, self.state, self.requests):
            self._refuse_shown(event, before, seen)
        self._judge_ghosts(event, before, seen)
        for witness in self._witnesses:
            wrong = witness.see(event, self.state, self.ghosts, self.design.shape)
            if wrong is not None:
                self.state = before
                self._refuse(event, Reason.DEVICE, seen, part=wrong)

    def _judge_ghosts(self, event: Event, before: State, seen: Observation) -> None:
        ghosts = self.ghosts
        told_wrong = ghosts.take(event)
        if told_wrong is not None:
            self.state = before
            self._refuse(event, Reason.TOLD, seen, wrong=(told_wrong,))
        if seen.generations != ghosts.generations or seen.keys != ghosts.keys:
            wrong = tuple(ghosts.differences(seen))
            if wrong:
                self.state = before
                self._refuse(event, Reason.SHOWN, seen, wrong=wrong)

    def _after(self, event: Event, chosen: Arguments, seen: Observation) -> State:
        name = event.action  # type: ignore[union-attr]  # every step has one
        before = self.state
        after = self._steps[name](before, chosen)
        if isinstance(after, int):
            self._refuse_check(event, after, (name, chosen), seen)
        told = TOLD.get(type(event))
        if told is not None:
            for field, mine, design in told(event, before, after):
                if mine != design:
                    cell = f"{type(event).__name__}.{field}"
                    wrong = Disagreement(field, cell, str(mine), str(design))
                    self._refuse(event, Reason.TOLD, seen, wanted=(name, chosen), wrong=(wrong,))
        self.taken[name] += 1
        return after

    def _judge_refusal(self, event: Refuse, seen: Observation) -> None:
        """The guard that was named is the first that is false, for some arguments as told."""
        action = self.design.actions.get(event.action)
        if action is None:
            self.stutter_count += 1
            return
        step, checks = self.design.compiled.steps[event.action], self.design.compiled.checks
        for chosen in product(*self._told_domains(event, action)):
            after = step(self.state, chosen)
            check = checks[after] if isinstance(after, int) and after != OUTSIDE else None
            if isinstance(check, Require) and check.label == event.guard:
                self.refused[f"{event.action}: {event.guard}"] += 1
                return
        chosen = next(product(*self._told_domains(event, action)))
        self._refuse(event, Reason.GUARD, seen, wanted=(event.action, chosen))

    def _told_domains(self, event: Refuse, action: Action) -> list[Sequence[int]]:
        domains: list[Sequence[int]] = []
        for name, parameter in zip(
            self.design.parameters[action.name], action.parameters, strict=True
        ):
            value = getattr(event, name, None)
            if value is None:
                domains.append(range(parameter.type.low, parameter.type.high + 1))
            elif name == "request":
                domains.append((self.requests.number(value, self.state[HOLDERS]),))
            else:
                domains.append((value,))
        return domains

    def _judge_part(self, part: Part, shown: Shown) -> None:
        self.part_count += 1
        inside = self._open
        if inside is None:
            inside = self._open = OpenStep(self.design.shape, self.state)
        wrong = inside.take(part)
        if wrong is not None:
            self._refuse(part, Reason.PART, shown.observe(), part=wrong)
        if type(part) is events.PutBack and part.end is events.End.AGAIN and inside.is_restored:
            self._open = None

    def _meet(self, shown: Shown) -> None:
        if shown.shape != self.design.shape:
            raise UnjudgeableShape(
                f"The manager has {shown.shape}, the design {self.design.shape}. A judge judges one"
                " manager of its own size. Make the design with `design_for(manager.shape)`."
            )
        self._shown = shown
        self.blind_spots = shown.observe().blind_spots

    # ---- what came of it

    @property
    def step_count(self) -> int:
        """Steps of the design that were taken, or refused by the guard that was named."""
        return self.taken.total() + self.refused.total()

    def verdict(self) -> Verdict:
        """What the judge has seen; no step of the design seen is `not run`, never a pass."""
        bound = f"{self.design.bound}, {self.step_count} steps, {self.part_count} parts"
        blind = self.blind_spots & {*GHOSTS, *(field.name for field in self.design.fields)}
        for name, witness in ("order", self._order), ("payload", self._payload):
            spots = {"all"} if witness is None else witness.blind_spots
            blind |= {name if spot == "all" else f"{name}: {spot}" for spot in spots}
        if blind:
            bound += f", blind to {', '.join(sorted(blind))}"
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
        self, event: Event, check: int, wanted: tuple[str, Arguments], seen: Observation
    ) -> NoReturn:
        if check == OUTSIDE:
            self._refuse(event, Reason.OUTSIDE, seen)
        is_guard = isinstance(self.design.compiled.checks[check], Require)
        self._refuse(event, Reason.DISABLED if is_guard else Reason.ASSERTION, seen, wanted=wanted)

    def _refuse_shown(self, event: Event, before: State, seen: Observation) -> None:
        wrong = tuple(differences(self.design.fields, self.requests, self.state, seen))
        chosen = None
        if type(event) is not Refuse:
            chosen = self.design.arguments(event, self.requests, before, seen)
        self.state = before
        name = getattr(event, "action", "")
        wanted = None if chosen is None else (name, chosen)
        self._refuse(event, Reason.SHOWN, seen, wanted=wanted, wrong=wrong)

    def _refuse(
        self,
        event: Event,
        reason: Reason,
        seen: Observation,
        *,
        wanted: tuple[str, Arguments] | None = None,
        wrong: tuple[Disagreement, ...] = (),
        part: WrongPart | None = None,
    ) -> NoReturn:
        near = None
        if wanted is not None:
            near = self._nearest(wanted, seen)
        elif part is not None:
            why = Conjunct(part.label, "", "", part.values, None)
            near = Nearest(type(event).__name__, (), None, why)
        self.refusal = Refusal(
            number=self.number,
            event=event,
            reason=reason,
            wanted=near,
            disagreements=wrong,
            frontier=frontier(self.design, self.requests, self.state, seen, wanted=wanted),
            last_good=self.last_good,
            recent=tuple(self._recent),
            reported_at=reporter_line(),
        )
        raise Refused(self.refusal)

    def _nearest(self, wanted: tuple[str, Arguments], seen: Observation) -> Nearest:
        name, chosen = wanted
        action = self.design.actions[name]
        words = call(self.requests, action, chosen)
        why = conjunct(self.design, self.state, name, chosen)
        if why is not None:
            return Nearest(name, words, None, why)
        after = self.design.compiled.steps[name](self.state, chosen)
        assert not isinstance(after, int), "the evaluators agree"
        count = sum(1 for _ in differences(self.design.fields, self.requests, after, seen))
        return Nearest(name, words, count, None)


def reporter_line() -> SourceLine | None:
    """The line that called `report`: the nearest outside the checker."""
    here, frame = str(Path(__file__).parents[1]), sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(here):
        if frame.f_back is None:
            return None
        frame = frame.f_back
    file, line = frame.f_code.co_filename, frame.f_lineno
    return source_line(Position(file, line, 0))
