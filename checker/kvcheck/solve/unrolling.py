"""Runs of any number of steps as one term: state after state, each defined by the one before.

It decides what a run is for the bounded engines; how many steps and what to ask about them is
theirs. In each step exactly the chosen action's guard holds, all its assertions pass, and the next
state is what it leaves. What no action changes stays the same term from step to step.
"""

from __future__ import annotations

from dataclasses import dataclass

from kvcheck.solve.cells import scalar_in
from kvcheck.solve.finite_run import Execution, execute
from kvcheck.solve.finite_state import (
    Cells,
    cells_of,
    fresh_state,
    merged_state,
    same_state,
    state_in,
)
from kvcheck.solve.numbers import (
    Algebra,
    Bit,
    Term,
    bit_value,
    conjunction,
    disjunction,
    implication,
    negation,
)
from kvcheck.solve.obligations import assertions_of
from kvcheck.trace.path import Move, Path
from kvspec.lang.ir import Assert, Model
from kvspec.lang.state import State, blank_state


@dataclass(frozen=True, slots=True)
class Choice:
    """One action as the next step: `chosen` is true where it is the one."""

    action: str
    chosen: Bit
    run: Execution
    failing: Bit


@dataclass(slots=True)
class Unrolling:
    """A run so far: its states, its steps, and the constraints that make it one.

    `failing[n]` is true where a step from state n fails an assertion; that step leads nowhere.
    """

    algebra: Algebra
    model: Model
    states: list[Cells]
    steps: list[tuple[Choice, ...]]
    constraints: list[Bit]
    failing: list[tuple[Choice, ...]]

    def extend(self) -> Bit:
        """Look one step further; true where some action fails an assertion in it.

        The step becomes part of the run with `take`.
        """
        number = len(self.failing)
        tag = f"{number}."
        choices = []
        for action in self.model.actions:
            run = execute(self.algebra, self.model, action, self.states[-1], tag=tag)
            chosen = self.algebra.fresh_bit(f"{tag}takes {action.name}")
            checks: tuple[Assert, ...] = assertions_of(action)
            fails = disjunction(*(run.failed(check) for check in checks))
            choices.append(Choice(action.name, chosen, run, conjunction(run.well_typed, fails)))
        self.failing.append(tuple(choices))
        return disjunction(*(choice.failing for choice in choices))

    def take(self) -> list[Bit]:
        """Make the step looked at last part of the run; the constraints that this adds."""
        choices = self.failing[-1]
        added: list[Bit] = [disjunction(*(choice.chosen for choice in choices))]
        for choice in choices:
            happens = conjunction(choice.run.well_typed, choice.run.stepped)
            added.append(implication(choice.chosen, happens))
        after = [(choice.chosen, choice.run.after) for choice in choices]
        following, defined = merged_state(
            self.algebra, self.model, after, tag=f"{len(self.states)}:"
        )
        added.append(defined)
        self.steps.append(choices)
        self.states.append(following)
        self.constraints += added
        return added

    def distinct_from_earlier(self) -> Bit:
        """True where the last state is none of those before it."""
        last = self.states[-1]
        return conjunction(
            *(
                negation(same_state(self.algebra, self.model, earlier, last))
                for earlier in self.states[:-1]
            )
        )

    def start_in(self, solution: Term) -> State:
        """The first state in a Z3 model."""
        return state_in(solution, self.model, self.states[0])

    def path_in(self, solution: Term, *, with_failure: bool = False) -> Path:
        """The run in a Z3 model; `with_failure` adds the step looked at last, if it fails."""
        moves = [self._move(solution, step, failing=False) for step in self.steps]
        if with_failure:
            moves.append(self._move(solution, self.failing[-1], failing=True))
        return Path(self.start_in(solution), tuple(moves))

    def _move(self, solution: Term, step: tuple[Choice, ...], *, failing: bool) -> Move:
        wanted = [
            choice
            for choice in step
            if bit_value(solution, choice.failing if failing else choice.chosen)
        ]
        arguments = (scalar_in(solution, value) for value in wanted[0].run.arguments)
        return Move(wanted[0].action, tuple(arguments))


def from_initial(algebra: Algebra, model: Model) -> Unrolling:
    """A run of no steps from an initial state: what `init` leaves, for any of its parameters."""
    run = execute(algebra, model, model.init, cells_of(model, blank_state(model)), tag="init.")
    constraints = [run.well_typed, run.stepped]
    return Unrolling(algebra, model, [run.after], [], constraints, [])


def from_anywhere(algebra: Algebra, model: Model) -> Unrolling:
    """A run of no steps from any well-typed state."""
    cells, well_formed = fresh_state(algebra, model, tag="0:")
    return Unrolling(algebra, model, [cells], [], [well_formed], [])
