"""k-induction: a property that holds in k states of a run in a row holds in the next one.

It decides properties that no single step keeps but k steps do; the plain case k = 1 is for
`finite`. Proved means both: no run from an initial state goes wrong within k steps, and none from
anywhere does after k good states. Lemmas are further properties, proved along with the wanted ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import z3  # type: ignore[import-untyped]

from kvcheck.solve.bounded import Assertions, check_bounded, violation_of
from kvcheck.solve.engines import size_bound
from kvcheck.solve.finite_read import Reading
from kvcheck.solve.numbers import Algebra, Bit, conjunction, negation
from kvcheck.solve.obligations import property_named
from kvcheck.solve.options import SolveOptions
from kvcheck.solve.question import Dialogue
from kvcheck.solve.unrolling import Unrolling, from_anywhere
from kvcheck.trace.path import Finding, NotReproduced, Start, confirm
from kvcheck.verdict import Evidence, Outcome, Verdict
from kvspec.lang.concrete import holds
from kvspec.lang.ir import Model, Property
from kvspec.lang.state import State


class SimplePaths(Enum):
    """Whether the states of the inductive run must differ: any k suffices then, at some cost."""

    REQUIRED = "required"
    NOT_REQUIRED = "not required"


@dataclass(frozen=True, slots=True)
class KInductionResult:
    """What became of it: proved with `k`, or the last counterexample to induction, or a violation.

    `finding` starts in an initial state if it is a violation, anywhere if it is the last
    counterexample to induction; `states` are those of its path.
    """

    model: Model
    k: int
    outcome: Outcome
    finding: Finding | None
    states: tuple[State, ...]
    reason: str
    seconds: float

    @property
    def verdict(self) -> Verdict:
        """What it supports; a counterexample to induction only makes it inconclusive."""
        bound = f"{size_bound(self.model)}, k {self.k}"
        proved = self.outcome is Outcome.HOLDS
        evidence = Evidence.PROVED_AT_SIZE if proved else Evidence.NONE
        return Verdict(self.outcome, evidence, bound, self.reason)


def prove_by_k_induction(
    model: Model,
    names: Sequence[str],
    k_max: int,
    options: SolveOptions,
    *,
    clock: Callable[[], float],
    lemmas: Sequence[str] = (),
    simple_paths: SimplePaths = SimplePaths.NOT_REQUIRED,
    assertions: Assertions = Assertions.CHECKED,
) -> KInductionResult:
    """Prove the named properties and lemmas together, with the least k up to `k_max` that does."""
    begun = clock()
    wanted = tuple(property_named(model, name) for name in dict.fromkeys((*names, *lemmas)))
    attempt = _Attempt(Algebra(z3.Context()), model, wanted, options, simple_paths, assertions)
    last: Finding | None = None
    for k in range(1, k_max + 1):
        found = attempt.step_case(k)
        if isinstance(found, str):
            return _result(model, k, Outcome.INCONCLUSIVE, last, found, clock() - begun)
        if found is None:
            return _with_base_case(attempt, k, begun, clock)
        last = found
    reason = f"not {k_max}-inductive: a lemma is missing, or it is false"
    return _result(model, k_max, Outcome.INCONCLUSIVE, last, reason, clock() - begun)


def _with_base_case(
    attempt: _Attempt, k: int, begun: float, clock: Callable[[], float]
) -> KInductionResult:
    base = check_bounded(
        attempt.model,
        k,
        attempt.options,
        clock=clock,
        properties=attempt.properties,
        assertions=attempt.assertions,
    )
    outcome = base.verdict.outcome
    return _result(attempt.model, k, outcome, base.finding, base.reason, clock() - begun)


def _result(
    model: Model, k: int, outcome: Outcome, finding: Finding | None, reason: str, seconds: float
) -> KInductionResult:
    states = confirm(model, finding) if finding is not None else ()
    return KInductionResult(model, k, outcome, finding, states, reason, seconds)


class _Attempt:
    """The step case for growing k: one run from anywhere, its states good so far."""

    def __init__(
        self,
        algebra: Algebra,
        model: Model,
        properties: Sequence[Property],
        options: SolveOptions,
        simple_paths: SimplePaths,
        assertions: Assertions,
    ) -> None:
        self.model = model
        self.properties = properties
        self.options = options
        self.simple_paths = simple_paths
        self.assertions = assertions
        self.runs: Unrolling = from_anywhere(algebra, model)
        self.dialogue = Dialogue(algebra, options)
        self.dialogue.tell(self.runs.constraints)

    def step_case(self, k: int) -> Finding | str | None:
        """A run of k good states that goes wrong in its k-th step, why Z3 gave up, or None."""
        runs, seconds = self.runs, self.options.timeout_seconds or None
        self.dialogue.tell([self._good()])
        broken_step = runs.extend()
        if self.assertions is Assertions.CHECKED:
            found = self._finding(self.dialogue.ask(broken_step, seconds=seconds), k, failing=True)
            if found is not None:
                self._grow()
                return found
        self._grow()
        return self._finding(self.dialogue.ask(negation(self._good()), seconds=seconds), k)

    def _grow(self) -> None:
        self.dialogue.tell(self.runs.take())
        if self.simple_paths is SimplePaths.REQUIRED:
            self.dialogue.tell([self.runs.distinct_from_earlier()])

    def _good(self) -> Bit:
        reading = Reading(self.runs.algebra, self.runs.states[-1], {})
        return conjunction(*(reading.bit(prop.formula) for prop in self.properties))

    def _finding(self, answer: object, k: int, *, failing: bool = False) -> Finding | str | None:
        if answer is None or isinstance(answer, str):
            return answer
        path = self.runs.path_in(answer, with_failure=failing)
        finding = violation_of(self.model, path, self.properties, Start.ANYWHERE)
        states = confirm(self.model, finding)
        for state in states[:k]:
            for prop in self.properties:
                if not holds(self.model, prop, state):
                    raise NotReproduced(f"{prop.name} is false before the last step")
        return finding
