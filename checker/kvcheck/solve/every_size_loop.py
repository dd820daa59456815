"""When the rounds of a loop over a sort are independent, and what they come to all at once.

It judges the text of a loop; it runs none. The rounds are independent where every cell that a
round writes, and every cell of a written variable that it reads, has the loop's own variable at
one fixed position of its index (for a set: or as the member). Then no round sees another's
writes, their order does not matter, and each cell ends as its own round left it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import z3  # type: ignore[import-untyped]

from kvcheck.solve.every_size_state import Cells, Index, is_counted, parts_of
from kvcheck.solve.every_size_terms import NoEverySizeMeaning, Term, choice
from kvspec.lang.footprint import (
    domain_expressions,
    statement_expressions,
    statements_within,
    subexpressions,
)
from kvspec.lang.ir import (
    Assign,
    At,
    Expr,
    Fill,
    ForEach,
    Has,
    Len,
    Places,
    Pop,
    Push,
    Quantified,
    Read,
    Remove,
    SetMember,
    Statement,
    Variable,
)

Key: TypeAlias = tuple[Expr, ...]


@dataclass(frozen=True, eq=False, slots=True)
class EachRound:
    """Cells after all rounds: `one_round` is the cells after the round of `each`."""

    one_round: Cells
    before: Cells
    each: Term
    inside: Term
    place: int

    def at(self, asked: Index) -> Term:
        """A cell: what the round of its own index made of it."""
        mine = (self.each, asked[self.place])
        after = z3.substitute(self.one_round(*asked), mine)
        return choice(z3.substitute(self.inside, mine), after, self.before(*asked))


def index_length(variable: Variable, part: str) -> int:
    """How many index terms a part of the variable takes."""
    extra = {name: dims for name, dims, _ in parts_of(variable)}[part]
    return len(variable.dims) + len(extra)


def own_place(loop: ForEach, variable: Variable) -> int:
    """The position in the variable's index where the loop's variable stands, in every use of it.

    One past the index means the member of a set.
    """
    uses: list[Key] = []
    for statement in statements_within(loop.body):
        if isinstance(statement, ForEach) and domain_expressions(statement.domain):
            raise NoEverySizeMeaning("a loop over a queue inside a loop over a sort")
        uses += _written(statement, variable)
        for expr in statement_expressions(statement):
            uses += _read(expr, variable)
    length = len(variable.dims) + (1 if is_counted(variable) else 0)
    for place in range(length):
        if all(place < len(use) and use[place] == loop.bound for use in uses):
            return place
    raise NoEverySizeMeaning(f"rounds of the loop over {loop.bound.name} share {variable.name}")


def _written(statement: Statement, variable: Variable) -> Sequence[Key]:
    match statement:
        case SetMember() | Remove() if statement.variable == variable:
            return [(*statement.index, statement.element)]
        case Assign() | Push() | Pop() | Fill() if statement.variable == variable:
            return [statement.index]
        case _:
            return []


def _read(expr: Expr, variable: Variable) -> Sequence[Key]:
    found: list[Key] = []
    for part in subexpressions(expr):
        match part:
            case Has() if part.variable == variable:
                found.append((*part.index, part.element))
            case Read() | Len() | At() if part.variable == variable:
                found.append(part.index)
            case Quantified(domain=Places(variable=queue, index=index)) if queue == variable:
                found.append(index)
            case _:
                pass
    return found
