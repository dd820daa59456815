"""One action seen from an arbitrary state: what is known before it, and what must follow.

It puts the questions of one action together; the solver is `every_size`'s. The first part of a
question (sizes, types, invariants, the run of the action) is made once; each obligation adds its
claim, the invariants at the terms it is about, and the theorems on the counts that it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import z3  # type: ignore[import-untyped]

from kvcheck.solve.every_size_cardinality import change_facts, comparison_facts, sum_facts
from kvcheck.solve.every_size_goal import Claim, instances
from kvcheck.solve.every_size_reading import Reading
from kvcheck.solve.every_size_run import Run
from kvcheck.solve.every_size_state import arbitrary_state, blank_state, type_facts
from kvcheck.solve.every_size_terms import NoEverySizeMeaning, Term, vocabulary
from kvcheck.solve.obligations import (
    Obligation,
    ObligationKind,
    action_named,
    assertions_of,
    inductive_properties,
    property_named,
)
from kvspec.lang.ir import Model, Property, PropertyKind


@dataclass(frozen=True, eq=False, slots=True)
class Question:
    """`claim` must follow from `facts`; `more` makes further theorems, for a second attempt."""

    facts: tuple[Term, ...]
    claim: Term
    more: Callable[[], list[Term]]


class Step:
    """An action run from any state that satisfies the invariants, or `init` from the blank one."""

    def __init__(self, model: Model, action: str) -> None:
        self.model, self.words = model, vocabulary(model)
        self.reading = Reading(self.words)
        self.action = action_named(model, action)
        self.is_init = action == model.init.name
        self.start = blank_state(self.words) if self.is_init else arbitrary_state(self.words)
        self.invariants: list[Property] = []
        self.known = self._known_before()
        self.run = Run(self.reading, self.action, self.start)
        self.nearby = instances(
            self.reading, self.invariants, self.start, self.run.terms_of_interest()
        )

    def _known_before(self) -> list[Term]:
        known = self.words.background()
        for prop in self.model.of_kind(PropertyKind.ASSUMPTION):
            known += self._reading_of(prop)
        if not self.is_init:
            known += [type_facts(self.words, self.start, v) for v in self.model.variables]
            for prop in inductive_properties(self.model):
                read = self._reading_of(prop)
                known += read
                self.invariants += [prop] if read else []
        return known

    def _reading_of(self, prop: Property) -> list[Term]:
        """The property before the step; nothing where it has no meaning: less is assumed."""
        try:
            return [self.reading.term(prop.formula, self.start, {})]
        except NoEverySizeMeaning:
            return []

    def questions(self, obligation: Obligation) -> Iterator[Question]:
        """What must be proved for the obligation, one after the other."""
        if obligation.kind is not ObligationKind.ASSERTION:
            reading = self.reading.fork()
            prop = property_named(self.model, obligation.subject)
            claim = Claim(reading, prop.formula, self.run.state)
            told = len(self.run.assumed)
            yield self._question(reading, claim.term, told, claim.chosen, prop)
            return
        check = assertions_of(self.action)[obligation.number]
        for goal in self.run.goals:
            if goal.check == check:
                yield self._question(self.reading.fork(), goal.condition, goal.known, ())

    def type_questions(self) -> Iterator[Question]:
        """That what is written fits its type, where no assertion of the spec just says so."""
        for goal in self.run.goals:
            told = self.run.assumed[: goal.known]
            if goal.check is None and not _is_among(goal.condition, told):
                yield self._question(self.reading.fork(), goal.condition, goal.known, ())

    def contradiction(self) -> Question:
        """That all which is assumed of the action to its end is false."""
        reading = self.reading.fork()
        return self._question(reading, z3.BoolVal(False), len(self.run.assumed), ())

    def _question(
        self,
        reading: Reading,
        claim: Term,
        known: int,
        chosen: Sequence[Term],
        prop: Property | None = None,
    ) -> Question:
        nearby = [*self.nearby, *instances(reading, self.invariants, self.start, chosen)]
        told = self.run.assumed[:known]
        facts = (*self.known, *told, *self.theorems(reading), *nearby)
        return Question(facts, claim, lambda: self.further_theorems(reading, chosen, prop))

    def theorems(self, reading: Reading) -> list[Term]:
        """What is true of the symbols that were read, in every state and whatever the spec says."""
        changes = change_facts(reading, self.run.points)
        return [*reading.symbols.facts, *sum_facts(reading), *changes]

    def further_theorems(
        self, reading: Reading, chosen: Sequence[Term] = (), prop: Property | None = None
    ) -> list[Term]:
        """How the counts of all invariants compare: before, and after where that is claimed of."""
        with reading.noting_sizes() as sizes_before:
            for one in self.invariants:
                reading.term(one.formula, self.start, {})
            instances(reading, self.invariants, self.start, chosen)
            comparisons = comparison_facts(reading, sizes_before(), self.start)
        if prop is not None:
            with reading.noting_sizes() as sizes_after:
                for one in self.invariants:
                    reading.term(one.formula, self.run.state, {})
                Claim(reading, prop.formula, self.run.state)
                comparisons += comparison_facts(reading, sizes_after(), self.run.state)
        return [*self.theorems(reading), *comparisons]


def _is_among(condition: Term, told: Sequence[Term]) -> bool:
    """Whether each conjunct of the condition was told word for word."""
    known = {part.get_id() for term in told for part in _conjuncts(z3.simplify(term))}
    wanted = _conjuncts(z3.simplify(condition))
    return all(z3.is_true(part) or part.get_id() in known for part in wanted)


def _conjuncts(term: Term) -> list[Term]:
    if z3.is_and(term):
        return [part for child in term.children() for part in _conjuncts(child)]
    return [term]
