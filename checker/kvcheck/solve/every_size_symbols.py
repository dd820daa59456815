"""Symbols that stand for what has no direct term: counts, sums, witnesses, the front of a queue.

It names them and remembers what each means; which facts follow is said where they are used. A
symbol is a function of the values of the locals in its meaning and of the bound symbols around it,
so that a count inside `for all b` is one function of `b`, not one number. Two meanings that are
the same Z3 term up to renaming are one symbol.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypeAlias

import z3  # type: ignore[import-untyped]

from kvcheck.solve.every_size_state import Index
from kvcheck.solve.every_size_terms import Sort, Term, Vocabulary, for_all, occurs
from kvspec.lang.ir import Expr, Variable


@dataclass(frozen=True, eq=False, slots=True)
class QueuePlace:
    """A place of a FIFO by position: `absolute` counts from the first element there ever was."""

    variable: Variable
    index: Index
    absolute: Term
    head: Term


@dataclass(frozen=True, eq=False, slots=True)
class MemberPlace:
    """A place of a unique FIFO, known by the element that stands there."""

    variable: Variable
    index: Index
    element: Term
    ticket: Term


Value: TypeAlias = Term | QueuePlace | MemberPlace
Environment: TypeAlias = Mapping[str, Value]


class Role(Enum):
    """`SUM`: of the meaning over the bound symbol. `WITNESS`: a value that makes it true, if one
    does. `FRONT`: the value at which it is least but not negative, if there is one. `UNKNOWN`: any
    value at all."""

    SUM = "sum"
    WITNESS = "witness"
    FRONT = "front"
    UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False, slots=True)
class Symbol:
    """A function symbol and its meaning: a term over `parameters` and `bound`."""

    name: str
    role: Role
    parameters: Index
    bound: Term
    meaning: Term
    result: Sort

    def of(self, arguments: Index) -> Term:
        """The symbol applied."""
        if not arguments:
            return z3.Const(self.name, self.result)
        return z3.Function(self.name, *[a.sort() for a in arguments], self.result)(*arguments)

    def meaning_of(self, arguments: Index, value: Term) -> Term:
        """The meaning for these arguments, at one value of the bound symbol."""
        pairs = list(zip(self.parameters, arguments, strict=True))
        return z3.substitute(self.meaning, *pairs, (self.bound, value))


@dataclass(frozen=True, eq=False, slots=True)
class Instance:
    """A symbol applied to arguments, and the bound symbols around the place where it was read."""

    symbol: Symbol
    arguments: Index
    around: Index
    origin: Expr | None

    @property
    def term(self) -> Term:
        return self.symbol.of(self.arguments)

    def meaning_at(self, value: Term) -> Term:
        """The meaning of this instance at one value of the symbol's bound variable."""
        return self.symbol.meaning_of(self.arguments, value)


@dataclass(slots=True)
class Symbols:
    """All symbols of one query, the facts about them, and the bound symbols now around."""

    words: Vocabulary
    facts: list[Term] = field(default_factory=list)
    instances: dict[tuple[str, tuple[int, ...]], Instance] = field(default_factory=dict)
    known: dict[tuple[Role, int], Symbol] = field(default_factory=dict)
    keys: list[Term] = field(default_factory=list)  # kept so that the ids in `known` stay theirs
    binders: list[Term] = field(default_factory=list)
    used: dict[tuple[str, tuple[int, ...]], Instance] = field(default_factory=dict)
    numbered: set[str] = field(default_factory=set)
    base: int = 0
    count: int = 0

    def fork(self) -> Symbols:
        """A copy to which symbols can be added without the original's seeing them."""
        return replace(
            self,
            facts=list(self.facts),
            instances=dict(self.instances),
            known=dict(self.known),
            keys=list(self.keys),
            used=dict(self.used),
            binders=list(self.binders),
            numbered=set(self.numbered),
        )

    def bound(self, sort: Sort) -> Term:
        """A symbol to quantify over, named by its depth: Z3 tells terms apart by such names."""
        return z3.Const(f"q{len(self.binders) - self.base}", sort)

    @contextmanager
    def binding(self, *more: Term) -> Iterator[list[Term]]:
        """Within, bound symbols may be added; they are forgotten at the end."""
        depth = len(self.binders)
        self.binders.extend(more)
        try:
            yield self.binders
        finally:
            del self.binders[depth:]

    @contextmanager
    def abstracting(self, holes: Sequence[Term]) -> Iterator[list[Term]]:
        """Within, a meaning over `holes` is read; its names do not depend on what is around."""
        base, self.base = self.base, len(self.binders)
        try:
            with self.binding(*holes) as binders:
                yield binders
        finally:
            self.base = base

    def around(self, *terms: Term) -> Index:
        """The bound symbols around that occur in the terms, each once."""
        each = {b.get_id(): b for b in self.binders}.values()
        return tuple(b for b in each if any(occurs(b, term) for term in terms))

    def add_fact(self, fact: Term) -> None:
        """A theorem, for every value of the bound symbols around."""
        self.facts.append(for_all(self.around(fact), fact))

    def unknown(self, sort: Sort) -> Term:
        """Any value: a function of the bound symbols around, of which nothing is known."""
        self.count += 1
        name = f"unknown!{self.count}"
        arguments = tuple({b.get_id(): b for b in self.binders}.values())
        return Symbol(name, Role.UNKNOWN, arguments, z3.Int("none"), z3.Int("none"), sort).of(
            arguments
        )

    def number(self, term: Term) -> Term:
        """The place of an element in the order of its open sort: all differ, from 0 to size - 1."""
        sort = term.sort()
        number = z3.Function(f"number.{sort}", sort, z3.IntSort())
        x, y = z3.Consts("x y", sort)
        within = z3.And(number(x) >= 0, number(x) < self.words.size(str(sort)))
        apart = z3.Implies(number(x) == number(y), x == y)
        if str(sort) not in self.numbered:
            self.numbered.add(str(sort))
            self.facts += [z3.ForAll([x], within), z3.ForAll([x, y], apart)]
        return number(term)

    def holes(
        self, env: Environment, names: Sequence[str]
    ) -> tuple[list[Term], dict[str, Value], list[Term]]:
        """Symbols in place of what the locals hold: them, the new environment, what was held."""
        holes: list[Term] = []
        held: list[Term] = []

        def hole(term: Term) -> Term:
            held.append(term)
            holes.append(z3.Const(f"hole{len(holes)}", term.sort()))
            return holes[-1]

        filled: dict[str, Value] = {}
        for name in names:
            value = env[name]
            if isinstance(value, QueuePlace):
                index = tuple(hole(term) for term in value.index)
                filled[name] = QueuePlace(
                    value.variable, index, hole(value.absolute), hole(value.head)
                )
            elif isinstance(value, MemberPlace):
                index = tuple(hole(term) for term in value.index)
                filled[name] = MemberPlace(
                    value.variable, index, hole(value.element), hole(value.ticket)
                )
            else:
                filled[name] = hole(value)
        return holes, filled, held

    def instance(
        self,
        role: Role,
        *,
        holes: Sequence[Term],
        bound: Term,
        meaning: Term,
        arguments: Sequence[Term],
        origin: Expr | None = None,
    ) -> tuple[Instance, bool]:
        """The symbol of this meaning applied to `arguments` for `holes`, and whether it is new.

        Bound symbols around that the meaning mentions become arguments too.
        """
        own = {term.get_id() for term in (*holes, bound)}
        outer = [b for b in self.around(meaning) if b.get_id() not in own]
        parameters = (*outer, *holes)
        result = z3.IntSort() if role is Role.SUM else bound.sort()
        key = z3.Lambda([*parameters, bound], meaning)
        symbol = self.known.get((role, key.get_id()))
        if symbol is None:
            self.count += 1
            name = f"{role.value}!{self.count}"
            symbol = Symbol(name, role, parameters, bound, meaning, result)
            self.known[role, key.get_id()] = symbol
            self.keys.append(key)
        held = (*outer, *arguments)
        entry = (symbol.name, tuple(a.get_id() for a in held))
        is_new = entry not in self.instances
        if is_new:
            self.instances[entry] = Instance(symbol, held, self.around(*held), origin)
        self.used[entry] = self.instances[entry]
        return self.instances[entry], is_new
