"""One question to Z3: a fresh solver, a fixed seed, a limit, and an answer that may be `unknown`.

It decides how Z3 is asked, not what. A solver's earlier queries change its later answers, so that
each question has a solver of its own; the checks that follow a `sat`, to make its solution
smaller, are the exception.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import z3  # type: ignore[import-untyped]

from kvcheck.solve.numbers import Algebra, Bit, Term
from kvcheck.solve.options import SolveOptions

MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """There is no solution."""

    resources: int


@dataclass(frozen=True, slots=True)
class Satisfiable:
    """There is one, and the solver can be asked for another."""

    solution: Term
    solver: Term
    resources: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """Z3 gave up: `reason` in its own words."""

    reason: str
    resources: int


def ask(
    algebra: Algebra, options: SolveOptions, bits: Iterable[Bit]
) -> Unsatisfiable | Satisfiable | Unknown:
    """Whether all the bits can be true together; the algebra's theorems are told along."""
    solver = z3.SolverFor(options.logic.value, algebra.context)
    solver.set("random_seed", options.seed)
    if options.timeout_seconds > 0:
        solver.set("timeout", max(1, int(options.timeout_seconds * MILLISECONDS)))
    if options.resource_limit > 0:
        solver.set("rlimit", options.resource_limit)
    for bit in (*bits, *algebra.theorems):
        if bit is False:
            return Unsatisfiable(0)
        if bit is not True:
            solver.add(bit)
    before = _resources(solver)
    result = solver.check()
    resources = _resources(solver) - before
    if result == z3.unsat:
        return Unsatisfiable(resources)
    if result == z3.sat:
        return Satisfiable(solver.model(), solver, resources)
    return Unknown(str(solver.reason_unknown()), resources)


def _resources(solver: Term) -> int:
    """Z3's count of work so far in the solver's whole context."""
    counts = [value for key, value in solver.statistics() if key == "rlimit count"]
    return int(counts[0]) if counts else 0


def better(found: Satisfiable, options: SolveOptions, wishes: Sequence[Bit]) -> Term:
    """A solution that grants as many wishes as can be, the earlier ones first, within the budget.

    Each wish is tried on top of those already granted; one that the solution at hand grants
    already costs nothing. The budget is work and not time, so that the solution is always the same.
    """
    solver, solution = found.solver, found.solution
    solver.set("rlimit", options.minimise_check_work)
    granted: list[Term] = []
    work_end = _resources(solver) + options.minimise_work
    for wish in wishes:
        if isinstance(wish, bool):
            continue
        if z3.is_true(solution.eval(wish, model_completion=True)):
            granted.append(wish)
        elif _resources(solver) < work_end and solver.check(*granted, wish) == z3.sat:
            granted.append(wish)
            solution = solver.model()
    return solution


class Dialogue:
    """One solver that is told more and more, and asked in between: for runs that grow longer."""

    def __init__(self, algebra: Algebra, options: SolveOptions) -> None:
        self.algebra = algebra
        self.theorems_told = 0
        self.solver = z3.SolverFor(options.logic.value, algebra.context)
        self.solver.set("random_seed", options.seed)
        if options.resource_limit > 0:
            self.solver.set("rlimit", options.resource_limit)

    def tell(self, bits: Iterable[Bit]) -> None:
        """Constraints that hold from now on."""
        theorems = self.algebra.theorems[self.theorems_told :]
        self.theorems_told += len(theorems)
        for bit in (*bits, *theorems):
            self.solver.add(self.algebra.bit(bit))

    def ask(self, bit: Bit, *, seconds: float | None) -> Term | str | None:
        """A solution in which the bit is true, None where there is none, or why Z3 gave up."""
        if bit is False:
            return None
        self.tell(())
        if seconds is not None:
            self.solver.set("timeout", max(1, int(seconds * MILLISECONDS)))
        self.solver.push()
        self.solver.add(self.algebra.bit(bit))
        result = self.solver.check()
        found = self.solver.model() if result == z3.sat else None
        reason = str(self.solver.reason_unknown()) if result == z3.unknown else None
        self.solver.pop()
        return f"Z3 gave up: {reason}" if reason is not None else found
