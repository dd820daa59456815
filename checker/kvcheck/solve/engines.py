"""The two induction engines behind one face: at the model's own sizes, and at every size.

It decides which engine's answers mean what; the engines themselves are elsewhere and are loaded,
and Z3 with them, only when there is something to solve. Both assume exactly the invariants and
lemmas of the model they are given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from kvcheck.solve.answer import Answer
from kvcheck.solve.initiation import check_initiation
from kvcheck.solve.obligations import action_named, inductive_properties
from kvcheck.solve.options import SolveOptions
from kvcheck.solve.parallel import Task
from kvcheck.verdict import Evidence
from kvspec.lang.ir import Model


class InductionEngine(Protocol):
    """What `prove` needs of an engine; `evidence` is that of an obligation it proves."""

    @property
    def evidence(self) -> Evidence:
        """The evidence that its proofs are."""
        ...

    def bound(self, model: Model) -> str:
        """How far a proof about this model reaches."""
        ...

    def key(self) -> str:
        """Its name and every option, for the proof cache."""
        ...

    def answers(self, task: Task) -> Iterator[Answer]:
        """An answer for each goal of the task, in order."""
        ...


def size_bound(model: Model) -> str:
    """The sizes as a bound that reads like "Block=4, Slot=4"."""
    return ", ".join(f"{name}={size}" for name, size in model.sizes) or "no sizes"


def without_watchdog(options: SolveOptions) -> SolveOptions:
    """The options for a cache key: time decides whether there is an answer, never which."""
    return replace(options, timeout_seconds=0.0)


@dataclass(frozen=True, slots=True)
class StatedSize:
    """Induction at the model's own sizes, with counterexamples to induction."""

    options: SolveOptions
    clock: Callable[[], float]

    @property
    def evidence(self) -> Evidence:
        return Evidence.PROVED_AT_SIZE

    def bound(self, model: Model) -> str:
        """Its sizes."""
        return size_bound(model)

    def key(self) -> str:
        """Its name and every option that an answer depends on."""
        return f"stated size {without_watchdog(self.options)!r}"

    def answers(self, task: Task) -> Iterator[Answer]:
        """`init` is run; every other action is asked about."""
        model = task.model
        if task.action == model.init.name:
            yield from check_initiation(model, task.goals, clock=self.clock)
            return
        from kvcheck.solve.finite import check_action

        yield from check_action(
            model,
            action_named(model, task.action),
            task.goals,
            inductive_properties(model),
            self.options,
            clock=self.clock,
        )


@dataclass(frozen=True, slots=True)
class EverySize:
    """Induction for all sizes at once: proofs, and no counterexamples."""

    options: SolveOptions

    @property
    def evidence(self) -> Evidence:
        return Evidence.PROVED

    def bound(self, model: Model) -> str:
        """No bound."""
        del model
        return "every size"

    def key(self) -> str:
        """Its name and every option that an answer depends on."""
        return f"every size {without_watchdog(self.options)!r}"

    def answers(self, task: Task) -> Iterator[Answer]:
        """One question a goal."""
        from kvcheck.solve.every_size import EverySizeEngine, EverySizeOptions

        options = EverySizeOptions(
            timeout_seconds=self.options.timeout_seconds, seed=self.options.seed
        )
        if self.options.resource_limit:
            options = replace(options, resource_limit=self.options.resource_limit)
        yield from EverySizeEngine(options).answers(task)
