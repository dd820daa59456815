"""One action with its symbolic run and all that is claimed about it, to be judged in any state."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import z3
from concrete_structure import Shapes, Structure

from kvcheck.solve.every_size_goal import Claim
from kvcheck.solve.every_size_state import type_facts
from kvcheck.solve.every_size_step import Step
from kvcheck.solve.every_size_terms import for_all
from kvspec.lang.ir import PropertyKind
from kvspec.lang.state import State


class Case:
    """An action with its symbolic run and all that is claimed about it, for any state."""

    def __init__(self, one: Step) -> None:
        self.one, self.shapes = one, Shapes()
        self.reading = one.reading.fork()
        self.before: dict[str, z3.ExprRef] = {}
        self.after: dict[str, z3.ExprRef] = {}
        chosen: dict[int, z3.ExprRef] = {}
        for prop in one.model.properties:
            claim = Claim(self.reading, prop.formula, one.run.state)
            self.after[prop.name] = for_all(claim.chosen, claim.term)
            chosen.update({constant.get_id(): constant for constant in claim.chosen})
            self.before[prop.name] = self.reading.term(prop.formula, one.start, {})
        theorems = [*one.words.background(), *one.theorems(self.reading)]
        claimed = one.model.of_kind(PropertyKind.INVARIANT)[0]  # the others' counts are read too
        theorems += one.further_theorems(self.reading, (), claimed)
        theorems += [type_facts(one.words, one.start, v) for v in one.model.variables]
        distinct = {theorem.get_id(): theorem for theorem in theorems}.values()
        self.theorems = [for_all(list(chosen.values()), theorem) for theorem in distinct]

    def structure(self, state: State, arguments: Sequence[int], random: Random) -> Structure:
        """What the symbols mean in one state, for one choice of the action's parameters."""
        names = [parameter.name for parameter in self.one.action.parameters]
        chosen = dict(zip(names, arguments, strict=True))
        symbols = list(self.reading.symbols.known.values())
        return Structure(self.one.model, state, chosen, symbols, self.shapes, random)
