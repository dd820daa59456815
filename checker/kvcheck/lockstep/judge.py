"""A reporter that takes each reported step in the design and compares what is shown with it.

It decides whether an implementation keeps to its design; the design decides what is allowed, and
`frontier` explains a refusal. The idea: all that is kept is one state, a small ring of events and
the words of that state, so an event costs the same after ten steps and after ten million. The loop
is `_judge`: word the event, take the step, compare what it told, compare what is shown.
"""

from __future__ import annotations

import sys
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from enum import Enum
from itertools import product
from pathlib import Path
from typing import NoReturn, Protocol

from kvcheck.lockstep.agreement import PLACE, Cells
from kvcheck.lockstep.compiled import OUTSIDE
from kvcheck.lockstep.frontier import call, conjunct, differences, frontier
from kvcheck.lockstep.ghosts import NAMES as GHOSTS
from kvcheck.lockstep.ghosts import Ghosts
from kvcheck.lockstep.kept import Untold
from kvcheck.lockstep.parts import TAKES, OpenStep, WrongPart
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
    Design,
    Reading,
    Requests,
    Told,
    TooManyRequests,
    UnjudgeableShape,
)
from kvcheck.trace.record import SourceLine
from kvcheck.trace.source import source_line
from kvcheck.verdict import Evidence, Outcome, Verdict
from kvspec.events import Detail, Event, Observation, Refuse, Shape, Shown
from kvspec.lang.concrete import Arguments
from kvspec.lang.ir import Action, Position, Require
from kvspec.lang.state import State

GENERATIONS, KEYS = PLACE["generations"], PLACE["keys"]
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
        self.part_count = self._whole_count = self.stutter_count = 0
        self.taken: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.refusal: Refusal | None = None
        self.blind_spots: frozenset[str] = frozenset()
        self.ghosts = Ghosts(design.shape.block_count)
        self._order, self._payload = order, payload
        self._witnesses = [witness for witness in (order, payload) if witness is not None]
        self._unjudged = ""
        self._recent: deque[Event] = deque(maxlen=ring)
        self._inside = OpenStep(design.shape, design.start)
        self._shown: Shown | None = None
        self._readings: Mapping[type, Reading] = {}
        self._wanted: Cells = []

    # ---- the loop

    def report(self, event: Event, shown: Shown) -> None:
        """Judge one event.

        Raises:
            Refused: the design does not allow it, and the judge was asked to raise.
            UnjudgeableShape: the manager is not of the design's size.
        """
        if shown is not self._shown and not self._meets(shown):
            return
        self._recent.append(event)
        try:
            take = TAKES.get(type(event))
            if take is None:
                self._judge(event, shown)
                return
            self.part_count += 1
            inside = self._inside
            if not inside.is_open:
                inside.begin(self.state)
            wrong = take(inside, event)
            if wrong is not None:
                self._refuse(event, Reason.PART, shown.observe(), part=wrong)
        except (TooManyRequests, Untold) as limit:
            self._shown, self._unjudged = None, str(limit)
        except Refused:
            self._shown = None
            if self.on_refusal is OnRefusal.RAISE:
                raise

    def _judge(self, event: Event, shown: Shown) -> None:
        before, wrong = self.state, None
        self._whole_count += 1
        self._inside.is_open = False
        seen = shown.observe()
        reading = self._readings.get(type(event))
        if reading is None:
            self._judge_stutter(event, seen)
        else:
            name, words, step, told, reword, is_followed = reading
            chosen = words(event, self.requests, before, seen)
            after = step(before, chosen)
            if isinstance(after, int):
                self._refuse_check(event, after, (name, chosen), seen)
            if told is not None and (differs := told(event, before, after)):
                self._refuse_told(event, differs, (name, chosen), seen)
            self.state = after
            self.taken[name] += 1
            reword(self._wanted, after, self.requests, seen, chosen)
            if is_followed:
                wrong = self._follow(event)
        if wrong is not None or tuple(self._wanted) != seen:
            self._look_closer(event, before, seen, wrong)
        for witness in self._witnesses:
            unborne = witness.see(event, self.state, self.ghosts, self.design.shape)
            if unborne is not None:
                self.state = before
                self._refuse(event, Reason.DEVICE, seen, part=unborne)

    def _judge_stutter(self, event: Event, seen: Observation) -> None:
        if isinstance(event, Refuse) and event.action in self.design.actions:
            self._judge_refusal(event, seen)
        else:
            self.stutter_count += 1

    def _follow(self, event: Event) -> Disagreement | None:
        ghosts, cells = self.ghosts, self._wanted
        wrong = ghosts.take(event)
        if cells[GENERATIONS] is not None:
            cells[GENERATIONS] = ghosts.generations
        if cells[KEYS] is not None:
            cells[KEYS] = ghosts.keys
        return wrong

    def _look_closer(
        self, event: Event, before: State, seen: Observation, told_wrong: Disagreement | None
    ) -> None:
        """What is shown is not what was wanted: refuse it, or begin anew from what it shows.

        There is nothing to refuse if only fields differ that the design does not judge, or if more
        or less is shown than before.
        """
        wrong = tuple(differences(self.design.fields, self.requests, self.state, seen))
        if wrong:
            self._refuse_shown(event, before, seen, wrong)
        wrong = (told_wrong,) if told_wrong is not None else tuple(self.ghosts.differences(seen))
        if wrong:
            self.state = before
            reason = Reason.SHOWN if told_wrong is None else Reason.TOLD
            self._refuse(event, reason, seen, wrong=wrong)
        self._want(seen)

    def _want(self, seen: Observation) -> None:
        """From now on what is wanted has the fields that are shown here."""
        blind = seen.blind_spots
        self.blind_spots |= blind
        rewords = self.design.wording.rewords(blind)
        self._readings = self.design.readings(rewords.by_action)
        cells = self._wanted = list(seen)
        rewords.everything(cells, self.state, self.requests, seen, ())
        cells[GENERATIONS] = None if "generations" in blind else self.ghosts.generations
        cells[KEYS] = None if "keys" in blind else self.ghosts.keys

    def _judge_refusal(self, event: Refuse, seen: Observation) -> None:
        """The guard that was named is the first that is false, for some arguments as told."""
        action = self.design.actions[event.action]
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

    def _meets(self, shown: Shown) -> bool:
        """Whether there is anything to judge, now that another view is shown."""
        if self.refusal is not None or self._unjudged:
            return False
        if shown.shape != self.design.shape:
            raise UnjudgeableShape(
                f"The manager has {shown.shape}, the design {self.design.shape}. A judge judges one"
                " manager of its own size. Make the design with `design_for(manager.shape)`."
            )
        if not self._wanted:
            self._want(shown.observe())
        self._shown = shown
        return True

    # ---- what came of it

    @property
    def number(self) -> int:
        """How many events were heard, and so the number of the last one."""
        return self.part_count + self._whole_count

    @property
    def last_good(self) -> int:
        """The number of the last event with which all was well; 0 if there is none."""
        return self.number - (self.refusal is not None or bool(self._unjudged))

    @property
    def step_count(self) -> int:
        """Steps of the design that were taken, or refused by the guard that was named."""
        return self.taken.total() + self.refused.total()

    @property
    def unwitnessed(self) -> frozenset[str]:
        """What nobody has looked at of the device: `order`, or `payload: reads`."""
        blind: set[str] = set()
        for name, witness in ("order", self._order), ("payload", self._payload):
            spots = {"all"} if witness is None else witness.blind_spots
            blind |= {name if spot == "all" else f"{name}: {spot}" for spot in spots}
        return frozenset(blind)

    def verdict(self) -> Verdict:
        """What the judge has seen; no step of the design seen is `not run`, never a pass."""
        bound = f"{self.design.bound}, {self.step_count} steps, {self.part_count} parts"
        blind = self.blind_spots & {*GHOSTS, *(field.name for field in self.design.fields)}
        blind |= self.unwitnessed
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

    def _refuse_told(
        self, event: Event, told: Told, wanted: tuple[str, Arguments], seen: Observation
    ) -> NoReturn:
        field, mine, design = next(each for each in told if each[1] != each[2])
        cell = f"{type(event).__name__}.{field}"
        wrong = Disagreement(field, cell, str(mine), str(design))
        self._refuse(event, Reason.TOLD, seen, wanted=wanted, wrong=(wrong,))

    def _refuse_shown(
        self, event: Event, before: State, seen: Observation, wrong: tuple[Disagreement, ...]
    ) -> NoReturn:
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
            last_good=self.number - 1,
            recent=tuple(enumerate(self._recent, start=self.number + 1 - len(self._recent))),
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
