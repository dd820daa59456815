"""Bounded checking: all runs of up to so many steps, and the shortest of them that goes wrong.

It decides whether an invariant or an assertion fails within a depth; beyond the depth it knows
nothing, and of deadlock it says nothing. Depths are tried one after the other, so that what is
found is shortest, and it is re-executed before it is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import z3  # type: ignore[import-untyped]

from kvcheck.solve.engines import size_bound
from kvcheck.solve.finite_read import Reading
from kvcheck.solve.numbers import Algebra, Bit, conjunction, negation
from kvcheck.solve.obligations import inductive_properties
from kvcheck.solve.options import SolveOptions
from kvcheck.solve.question import Dialogue
from kvcheck.solve.unrolling import Unrolling, from_initial
from kvcheck.trace.path import (
    Finding,
    FindingKind,
    NotReproduced,
    Path,
    Start,
    confirm,
    run_path,
)
from kvcheck.verdict import Evidence, Outcome, Verdict
from kvspec.lang.concrete import Failed, holds
from kvspec.lang.ir import Model, Property
from kvspec.lang.state import State


class Assertions(Enum):
    """Whether the assertions inside actions are checked too, or only the properties."""

    CHECKED = "checked"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class BoundedResult:
    """How far a bounded check came: runs of up to `depth` steps are free of violations.

    `finding` is the shortest violation, one step deeper than `depth`. `reason` says why the asked
    depth was not reached, if nothing was found.
    """

    model: Model
    depth: int
    finding: Finding | None
    states: tuple[State, ...]
    reason: str
    seconds: float

    @property
    def verdict(self) -> Verdict:
        """What it supports: `bounded`, `violated`, or nothing."""
        bound = f"{size_bound(self.model)}, depth {max(self.depth, 0)}"
        if self.finding is not None:
            return Verdict(Outcome.VIOLATED, Evidence.NONE, bound)
        if self.reason or self.depth < 0:
            return Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, bound, self.reason)
        return Verdict(Outcome.HOLDS, Evidence.BOUNDED, bound)


def check_bounded(
    model: Model,
    depth_max: int,
    options: SolveOptions,
    *,
    clock: Callable[[], float],
    properties: Sequence[Property] | None = None,
    assertions: Assertions = Assertions.CHECKED,
    observe: Callable[[int], None] | None = None,
) -> BoundedResult:
    """Check runs of up to `depth_max` steps; `observe` is told each depth that is done.

    The time limit of the options is for the whole check, and the limit of work for each depth.
    Without `properties` it is about all invariants and lemmas.
    """
    begun = clock()
    wanted = tuple(inductive_properties(model) if properties is None else properties)
    algebra = Algebra(z3.Context())
    runs = from_initial(algebra, model)
    dialogue = Dialogue(algebra, options)
    dialogue.tell(runs.constraints)
    broken_step: Bit = False
    for depth in range(depth_max + 1):
        left = options.timeout_seconds - (clock() - begun) if options.timeout_seconds else None
        if left is not None and left <= 0:
            return BoundedResult(model, depth - 1, None, (), "the time was up", clock() - begun)
        if depth:
            if assertions is Assertions.CHECKED:
                found = _ask(dialogue, runs, broken_step, (), left)
                if isinstance(found, Finding | str):
                    return _ended(model, depth - 1, found, clock() - begun)
            dialogue.tell(runs.take())
        found = _ask(dialogue, runs, False, wanted, left)
        if isinstance(found, Finding | str):
            return _ended(model, depth - 1, found, clock() - begun)
        dialogue.tell([_kept(runs, wanted)])  # shown just now: a fact about every run that goes on
        if observe:
            observe(depth)
        if depth < depth_max:
            broken_step = runs.extend()
    return BoundedResult(model, depth_max, None, (), "", clock() - begun)


def _ended(model: Model, depth: int, found: Finding | str, seconds: float) -> BoundedResult:
    if isinstance(found, str):
        return BoundedResult(model, depth, None, (), found, seconds)
    return BoundedResult(model, depth, found, confirm(model, found), "", seconds)


def _ask(
    dialogue: Dialogue,
    runs: Unrolling,
    broken_step: Bit,
    properties: Sequence[Property],
    seconds: float | None,
) -> Finding | str | None:
    """A violation at the end of the run, why Z3 does not know, or None where there is none."""
    model = runs.model
    bad = broken_step if broken_step is not False else negation(_kept(runs, properties))
    answer = dialogue.ask(bad, seconds=seconds)
    if answer is None or isinstance(answer, str):
        return answer
    path = runs.path_in(answer, with_failure=broken_step is not False)
    return violation_of(model, path, properties, Start.INITIAL)


def _kept(runs: Unrolling, properties: Sequence[Property]) -> Bit:
    reading = Reading(runs.algebra, runs.states[-1], {})
    return conjunction(*(reading.bit(prop.formula) for prop in properties))


def violation_of(model: Model, path: Path, properties: Sequence[Property], start: Start) -> Finding:
    """What goes wrong at the end of the path, as the concrete evaluator sees it."""
    states, outcome = run_path(model, path)
    if isinstance(outcome, Failed):
        name, message = path.moves[-1].action, outcome.check.message
        return Finding(FindingKind.ASSERTION, name, path, start, message=message)
    for prop in properties:
        if not holds(model, prop, states[-1]):
            return Finding(FindingKind.INVARIANT, prop.name, path, start)
    raise NotReproduced(f"nothing goes wrong after {len(path.moves)} steps")
