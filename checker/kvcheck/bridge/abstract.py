"""A refused run of a manager, as a run of the wrong design that has the same bug.

It decides whether what went wrong in the code is what the design bug says can go wrong. The idea:
the steps that were reported, up to the refused one, are taken one by one by the concrete evaluator
in the wrong design; the run is one of its own only if each step is admitted and the end fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kvcheck.bridge.execute import DESIGN, model_of
from kvcheck.bridge.tape import Tape
from kvcheck.explore import Options, explore
from kvcheck.fuzz.case import Case
from kvcheck.fuzz.designs import settings_of
from kvcheck.fuzz.hands import Clock, Hands, World
from kvcheck.fuzz.looks import Contents
from kvcheck.fuzz.orders import schedule_of
from kvcheck.fuzz.runner import builder_of
from kvcheck.lockstep import design_for
from kvcheck.trace.path import Move
from kvimpl.device.sim import SimDevice
from kvspec.bugs import BUGS as DESIGN_BUGS
from kvspec.lang.concrete import Disabled, Failed, holds, initial_states, step
from kvspec.lang.ir import Model, PropertyKind

REQUESTS = 4
STREAMS = 2


class Lifted(Enum):
    """What the wrong design makes of a run of the wrong manager."""

    FAILS = "a run of the wrong design, and it fails"
    HOLDS = "a run of the wrong design, and nothing fails"
    DISABLED = "no run of the wrong design"
    NOT_REFUSED = "the judge refused nothing"


@dataclass(frozen=True, slots=True)
class Abstraction:
    """The steps of a refused run in the design's words and what came of them there.

    `failing` names the property or the assertion; `shortest` is the length of the search's own run
    to any failure at the same sizes, 0 where it was not asked for.
    """

    outcome: Lifted
    moves: tuple[Move, ...]
    failing: str = ""
    shortest: int = 0


def abstract(case: Case, bug: str) -> Abstraction:
    """Run a case of one task on its manager, and its steps up to the refusal in a bug's design.

    Raises:
        ValueError: the case has several tasks, or the bug is of another machine than the tiers.
    """
    known = DESIGN_BUGS[bug]
    if len(case.tasks) != 1 or known.design != DESIGN:
        raise ValueError(
            f"{bug} cannot judge this case. Only runs of one task are abstracted, and only to the"
            f" machine {DESIGN!r}. Choose such a case and such a bug."
        )
    moves = refused_moves(case)
    if not moves:
        return Abstraction(Lifted.NOT_REFUSED, ())
    sizes = case.sizes
    model = model_of(
        known.machine,
        {},
        P=sizes.primary_count,
        S=sizes.secondary_count,
        R=1 + max(_requests(moves), default=0),
        REFS=sizes.references_max,
        PINS=sizes.pins_max,
        K=sizes.copies_max,
        T=STREAMS,
    )
    outcome, failing = lifted(model, moves)
    if outcome is not Lifted.FAILS:
        return Abstraction(outcome, moves, failing)
    findings = explore(model, Options()).findings
    shortest = min((len(found.finding.path.moves) for found in findings), default=0)
    return Abstraction(outcome, moves, failing, shortest)


def refused_moves(case: Case) -> tuple[Move, ...]:
    """The steps that the case's manager reports, up to the refused one; none if none is refused."""
    settings = settings_of(case.sizes)
    tape = Tape(design_for(settings.shape, request_count=REQUESTS))
    device = SimDevice(schedule_of(case.order))
    try:
        compute, clock = device.stream("compute"), Clock()
        build = builder_of(case.manager)
        manager = build(device, settings, compute=compute, clock=clock, reporter=tape)
        world = World(device, manager, compute, clock, Contents(settings.slot_bytes))
        Hands(world, 0).play(case.tasks[0], _stop)
    finally:
        device.abandon()
    return tape.moves() if tape.refused_at is not None else ()


def lifted(model: Model, moves: tuple[Move, ...]) -> tuple[Lifted, str]:
    """Take the moves in the model: where it ends, and what fails or stands in the way there."""
    actions = {action.name: action for action in model.actions}
    (state,) = initial_states(model)
    for number, move in enumerate(moves, 1):
        taken = step(model, state, actions[move.action], move.arguments)
        if isinstance(taken, Disabled):
            return Lifted.DISABLED, f"step {number}, {move.action}: {taken.require.label}"
        if isinstance(taken, Failed):
            return Lifted.FAILS, taken.check.message
        state = taken.state
        for prop in model.of_kind(PropertyKind.INVARIANT):
            if not holds(model, prop, state):
                return Lifted.FAILS, prop.name
    return Lifted.HOLDS, ""


def _stop(hands: Hands, error: Exception) -> None:
    """An error after the refusal ends the calls; without a refusal nothing is claimed anyway."""
    hands.world.is_over = True


def _requests(moves: tuple[Move, ...]) -> list[int]:
    place = {"allocate": 0, "offload_allocate": 0, "pin": None, "unpin": None, "complete": None}
    numbers = [(move, place.get(move.action, 1)) for move in moves]
    return [move.arguments[at] for move, at in numbers if at is not None]
