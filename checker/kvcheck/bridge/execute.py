"""A counterexample of a design, executed as calls on the real manager under the right design.

It decides whether the bug of the code is the bug of the design; how a run becomes calls is decided
by the design's reading. The idea: the step at which the wrong design first leaves the right one is
computed from the two designs alone; the wrong manager must be refused at the call for that very
step, and the right manager nowhere on the same calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import cast

from kvcheck.bridge.player import Played, play
from kvcheck.bridge.readings import READINGS
from kvcheck.bridge.script import Script, Unplayable
from kvcheck.explore import Options, explore
from kvcheck.trace.path import Move, Path, run_path
from kvimpl.blocks import BlockManager
from kvimpl.bugs import BUGS
from kvspec.bugs import BUGS as DESIGN_BUGS
from kvspec.lang import Machine
from kvspec.lang.concrete import Stepped, step
from kvspec.lang.ir import Model
from kvspec.models import MACHINES


class Bridged(Enum):
    """How the wrong manager met the run of the wrong design."""

    REFUSED_THERE = "refused at the corresponding step"
    REFUSED_IN_CALL = "refused in the call that makes the step"
    REFUSED_ELSEWHERE = "refused at another step"
    NOT_REFUSED = "not refused"
    CANNOT = "cannot be concretised"

    @property
    def is_met(self) -> bool:
        """Whether the wrong manager was refused where the run says."""
        return self in (Bridged.REFUSED_THERE, Bridged.REFUSED_IN_CALL)


@dataclass(frozen=True, slots=True)
class Execution:
    """A run of a design bug on both managers; `departs_at` is the step that the right design lacks.

    `script` are the calls that were made of it, and `silently` says which of them have no step.
    `why` says what is not as it should be, or, of a refusal in a call that makes several steps,
    which ones those are.
    """

    bug: str
    outcome: Bridged
    why: str = ""
    moves: tuple[Move, ...] = ()
    departs_at: int = 0
    script: Script = ()
    wrong: Played | None = None
    right: Played | None = None
    silently: str = ""

    @property
    def is_right_refused(self) -> bool:
        """Whether the right manager was refused on the same calls, or never got to the step."""
        return self.right is not None and (
            self.right.refusal is not None
            or (self.outcome.is_met and self.right.step_count < self._steps_before)
        )

    @property
    def _steps_before(self) -> int:
        """The last step before the call that makes the one that the right design lacks."""
        at = (c.first for c in self.script if not c.is_silent and c.last >= self.departs_at)
        return next(at, 1) - 1


def known_bugs() -> tuple[str, ...]:
    """The bugs that are known both as a design and as a manager."""
    return tuple(sorted(set(BUGS) & set(DESIGN_BUGS)))


def execute(bug: str, *, sizes: Mapping[str, int] | None = None) -> Execution:
    """The shortest counterexample of a bug's design, executed on its manager and the right one.

    `sizes` are the design's, in place of the bug's own.

    Raises:
        KeyError: no such bug is known both as a design and as a manager.
    """
    known, code = DESIGN_BUGS[bug], BUGS[bug]
    reading = READINGS.get(known.design)
    if reading is None:
        return Execution(
            bug, Bridged.CANNOT, f"the machine {known.design!r} has no reading as calls yet"
        )
    given = known.sizes if sizes is None else sizes
    model = reading.narrow(model_of(known.machine, given))
    right = reading.narrow(model_of(MACHINES[known.design], given))
    found = explore(model, Options()).findings
    if not found:
        return Execution(bug, Bridged.NOT_REFUSED, "the search finds no counterexample")
    path = min((f.finding.path for f in found), key=lambda path: len(path.moves))
    departs_at = departure(model, right, path)
    try:
        script = reading.script(model, path)
    except Unplayable as error:
        return Execution(bug, Bridged.CANNOT, str(error), path.moves, departs_at)
    settings = reading.settings(given)
    wrong = play(code.build, settings, script, is_exact=True)
    other = play(BlockManager, settings, script, is_exact=False)
    outcome, why = outcome_of(wrong, departs_at)
    if outcome is Bridged.REFUSED_IN_CALL and wrong.refused_call is not None:
        first = wrong.refused_call.first
        line = reading.wrong_line(right, run_path(model, path)[0][first - 1], wrong.lines)
        outcome, why = line_outcome(line, why, path.moves[departs_at - 1].action)
    return Execution(
        bug, outcome, why, path.moves, departs_at, script, wrong, other, reading.silently
    )


def model_of(machine: type[Machine], sizes: object, **others: int) -> Model:
    """The machine at its sizes; `others` win over them."""
    # every machine's `instance` has its own keyword sizes, which no base class can name
    instance = cast("Callable[..., Model]", machine.instance)
    return instance(**{**cast("dict[str, int]", sizes), **others})


def departure(wrong: Model, right: Model, path: Path) -> int:
    """The first step, from 1, at which the right design does something else; 0 if at none."""
    actions = {action.name: action for action in wrong.actions}
    others = {action.name: action for action in right.actions}
    state = path.start
    for number, move in enumerate(path.moves, 1):
        mine = step(wrong, state, actions[move.action], move.arguments)
        theirs = step(right, state, others[move.action], move.arguments)
        if not isinstance(mine, Stepped) or not isinstance(theirs, Stepped):
            return number
        if mine.state != theirs.state:
            return number
        state = mine.state
    return 0


def outcome_of(wrong: Played, departs_at: int) -> tuple[Bridged, str]:
    """How the wrong manager met the run, and why not as it should, if so."""
    call = wrong.refused_call
    if call is None:
        if wrong.stopped:
            return Bridged.CANNOT, wrong.stopped
        return Bridged.NOT_REFUSED, ""
    if call.is_silent:
        where = f"step {call.first}" if call.first else "the run"
        return Bridged.REFUSED_ELSEWHERE, f"{call.words}, which prepares {where}"
    if not call.first <= departs_at <= call.last:
        return Bridged.REFUSED_ELSEWHERE, f"step {call.first}, not step {departs_at}"
    if call.first == call.last:
        return Bridged.REFUSED_THERE, ""
    return Bridged.REFUSED_IN_CALL, f"{call.words} makes the steps {call.first} to {call.last}"


def line_outcome(line: str, call: str, wanted: str) -> tuple[Bridged, str]:
    """Whether the line that the manager got wrong is the action that the right design lacks."""
    if line == wanted:
        return Bridged.REFUSED_IN_CALL, f"{call}, and {line} is the first that is wrong"
    found = f"{line} is the first that is wrong" if line else "no line by itself is wrong"
    return Bridged.REFUSED_ELSEWHERE, f"{call}, and {found}, not {wanted}"
