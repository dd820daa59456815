"""A refused run of a manager, as a run of the wrong design that has the same bug.

It decides whether what went wrong in the code is what the design bug says can go wrong. The idea:
the steps that were reported, up to the refused one, are put into the design's words by its reading
and taken one by one by the concrete evaluator in the wrong design; the run is one of its own only
if each step is admitted, the state is what the manager showed, and the end fails.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from kvcheck.bridge.execute import model_of
from kvcheck.bridge.lifting import Lift, NoRun, differs
from kvcheck.bridge.lines import Heard
from kvcheck.bridge.readings import READINGS
from kvcheck.bridge.readings.reading import Reading
from kvcheck.bridge.tape import Tape
from kvcheck.explore import Options, explore
from kvcheck.fuzz.case import Case
from kvcheck.fuzz.designs import ground_of, settings_of
from kvcheck.fuzz.looks import EVERYTHING, Contents, Looking
from kvcheck.fuzz.runner import Attempt, made, request_count
from kvcheck.fuzz.site import SIM
from kvcheck.lockstep import Reason
from kvcheck.lockstep import Refused as Over
from kvcheck.trace.path import Move
from kvspec.bugs import BUGS as DESIGN_BUGS
from kvspec.events import Event, Part, Refuse, Shape, Shown
from kvspec.lang import Machine
from kvspec.lang.concrete import Disabled, Failed, Stepped, holds, initial_states, step
from kvspec.lang.ir import Model, PropertyKind
from kvspec.lang.state import State
from kvspec.models import MACHINES

OWED = (PropertyKind.INVARIANT, PropertyKind.LEMMA)


class Lifted(Enum):
    """What the wrong design makes of a run of the wrong manager."""

    FAILS = "a run of the wrong design, and it fails"
    HOLDS = "a run of the wrong design, and nothing fails"
    ELSEWHERE = "a run of the wrong design, and it fails elsewhere"
    NO_RUN = "no run of the wrong design"
    NOT_REFUSED = "the judge refused nothing"


@dataclass(frozen=True, slots=True)
class Ending:
    """Where moves end in a design: at the move of this number, by what, and whether inside it."""

    outcome: Lifted
    failing: str
    at: int
    is_inside: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """What a manager told to the end of the step that was refused, as lifts, and why it was."""

    heard: tuple[Heard, ...]
    lifts: tuple[Lift, ...]
    reason: Reason

    @property
    def first_of_last(self) -> int:
        """The number of the first move of the step that was refused."""
        before = [n for n, one in enumerate(self.lifts[:-1], 1) if one.shown is not None]
        return before[-1] + 1 if before else 1

    @property
    def last_call(self) -> tuple[Heard, ...]:
        """What was told of the step that was refused, its lines first."""
        steps = [n for n, one in enumerate(self.heard[:-1]) if not isinstance(one.told, Part)]
        return self.heard[steps[-1] + 1 :] if steps else self.heard


@dataclass(frozen=True, slots=True)
class Abstraction:
    """The steps of a refused run in the design's words and what came of them there.

    `failing` names the property or the assertion, or says why there is no run. `right` is what the
    right design makes of the same moves. `shortest` is the length of the search's own run
    to any failure at the same sizes, 0 where it was not asked for.
    """

    outcome: Lifted
    moves: tuple[Move, ...]
    failing: str = ""
    right: Ending | None = None
    shortest: int = 0

    @property
    def is_right_failing(self) -> bool:
        """Whether the right design fails on the same moves: then they say nothing of a bug."""
        return self.right is not None and self.right.outcome is Lifted.FAILS


class _UpToRefusal(Tape):
    """Ends the run with the step that was refused, since nothing after it means anything."""

    def report(self, event: Event, shown: Shown) -> None:
        """See Tape. Raises: Over."""
        super().report(event, shown)
        if self.judge.refusal is not None and not isinstance(event, Part):
            raise Over(self.judge.refusal)


def abstract(case: Case, bug: str) -> Abstraction:
    """Run a case on its manager, and take its steps up to the refusal in a bug's design.

    Raises:
        KeyError: no design has a bug of that name.
        ValueError: the bug's design has no reading.
    """
    known = DESIGN_BUGS[bug]
    reading = READINGS.get(known.design)
    if reading is None:
        raise ValueError(
            f"{bug} cannot judge this case. It is a bug of the machine {known.design!r}, and runs"
            f" are put into the words of {', '.join(READINGS)} only. Choose a bug of one of these."
        )
    try:
        run = refused_run(case, reading)
    except NoRun as none:
        return Abstraction(Lifted.NO_RUN, (), str(none))
    if run is None:
        return Abstraction(Lifted.NOT_REFUSED, ())
    shape, lifts = settings_of(case.sizes).shape, run.lifts
    moves = tuple(one.move for one in lifts)
    right = model_at(reading, MACHINES[known.design], shape, lifts)
    silent = false_at_start(right)
    right, wrong = (
        owing(model, silent) for model in (right, model_at(reading, known.machine, shape, lifts))
    )
    ending, of_right = lifted(wrong, lifts), lifted(right, lifts)
    if ending.outcome is not Lifted.FAILS:
        return Abstraction(ending.outcome, moves, ending.failing, of_right)
    if other := elsewhere(reading, right, run, ending):
        return Abstraction(Lifted.ELSEWHERE, moves, other, of_right)
    findings = explore(wrong, Options()).findings
    shortest = min((len(found.finding.path.moves) for found in findings), default=0)
    return Abstraction(ending.outcome, moves, ending.failing, of_right, shortest)


def refused_run(case: Case, reading: Reading) -> Refused | None:
    """The case's run to the end of the refused step; None if none is refused.

    Raises:
        NoRun: a step of it is none of the reading's design.
    """
    settings, opened = settings_of(case.sizes), SIM.open(case)
    try:
        looking = Looking(opened.device, EVERYTHING, slot_bytes=settings.slot_bytes)
        design = ground_of(settings.shape, request_count(case)).design
        tape = _UpToRefusal(design, order=looking.order, payload=looking.payload)
        contents = Contents(settings.slot_bytes)
        Attempt(case, *made(case, looking, tape, opened.block_bytes, contents)).play()
    finally:
        opened.end()
    heard, refusal = tape.up_to_refusal(), tape.judge.refusal
    if refusal is None:
        return None
    if isinstance(heard[-1].told, Part | Refuse):
        raise NoRun(f"the manager is refused at {heard[-1].told}, and that is no step")
    return Refused(heard, tuple(reading.lift(heard)), refusal.reason)


def model_at(
    reading: Reading, machine: type[Machine], shape: Shape, lifts: tuple[Lift, ...]
) -> Model:
    """The machine at the sizes and with the priorities that the manager has."""
    return reading.fit(model_of(machine, {}, **reading.sizes(shape, lifts)), shape)


def false_at_start(model: Model) -> frozenset[str]:
    """What a design does not owe with these priorities, since it begins without it."""
    (state,) = initial_states(model)
    return frozenset(p.name for p in model.of_kind(*OWED) if not holds(model, p, state))


def owing(model: Model, silent: frozenset[str]) -> Model:
    """The model without the properties of these names."""
    return replace(model, properties=tuple(p for p in model.properties if p.name not in silent))


def lifted(model: Model, lifts: tuple[Lift, ...]) -> Ending:
    """Take the moves in the model: where it ends, and what fails or stands in the way there."""
    actions = {action.name: action for action in model.actions}
    (state,) = initial_states(model)
    for number, one in enumerate(lifts, 1):
        move = one.move
        where = f"step {number}, {move.action}"
        taken = step(model, state, actions[move.action], move.arguments)
        if isinstance(taken, Disabled):
            return Ending(Lifted.NO_RUN, f"{where}: {taken.require.label}", number)
        if isinstance(taken, Failed):
            return Ending(Lifted.FAILS, taken.check.message, number, is_inside=True)
        state = taken.state
        other = "" if one.shown is None else differs(model, state, one.shown)
        if other:
            return Ending(Lifted.NO_RUN, f"{where}: {other}", number)
        for prop in model.of_kind(*OWED):
            if not holds(model, prop, state):
                return Ending(Lifted.FAILS, prop.name, number, is_inside=one.shown is None)
    return Ending(Lifted.HOLDS, "", len(lifts))


def elsewhere(reading: Reading, right: Model, run: Refused, ending: Ending) -> str:
    """Why the design's failure is another than the manager's, "" if it is the same.

    It has to be in the step that was refused. What fails inside a step shows no state to compare:
    there the judge must have refused a line of it or its guard, or the first line that the manager
    made otherwise than the right design has to be the move that fails.
    """
    lifts, move = run.lifts, run.lifts[ending.at - 1].move
    where = f"step {ending.at}, {move.action}: {ending.failing}"
    if ending.at < run.first_of_last:
        return f"{where}, and the manager is refused later"
    if not ending.is_inside or run.reason is not Reason.SHOWN:
        return ""
    state = _state_before(right, lifts[: run.first_of_last - 1])
    line = "" if state is None else reading.wrong_line(right, state, run.last_call)
    if line == move.action:
        return ""
    said = f"at {line}" if line else "only for what it shows after the step"
    return f"{where}, and the manager is refused {said}"


def _state_before(model: Model, lifts: tuple[Lift, ...]) -> State | None:
    actions = {action.name: action for action in model.actions}
    (state,) = initial_states(model)
    for one in lifts:
        taken = step(model, state, actions[one.move.action], one.move.arguments)
        if not isinstance(taken, Stepped):
            return None
        state = taken.state
    return state
