"""An action's statements run over a symbolic state, once for every size.

It yields what a run assumes, what it must prove on the way and the state it ends in; it asks no
solver. `goals` are the assertions in the order they are reached: each may use the guard conjuncts
and assertions before it, none behind it. A loop over an open sort has a meaning where its rounds
are independent (each writes and reads only cells that the loop's own variable selects): then all
rounds happen at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import z3  # type: ignore[import-untyped]

from kvcheck.solve.every_size_loop import EachRound, index_length, own_place
from kvcheck.solve.every_size_reading import Reading
from kvcheck.solve.every_size_state import (
    COUNT,
    HAS,
    HEAD,
    NEXT,
    TAIL,
    TICKET,
    Cells,
    Index,
    Part,
    SymbolicState,
    assigned,
    capacity,
    counted_facts,
    element_of,
    is_counted,
    member_set,
    parts_of,
    popped,
    pushed,
    replaced,
)
from kvcheck.solve.every_size_symbols import Environment, Role, Value
from kvcheck.solve.every_size_terms import (
    NoEverySizeMeaning,
    Term,
    choice,
    conjunction,
    for_all,
    implication,
    negation,
    occurs,
)
from kvspec.lang.footprint import variables_written
from kvspec.lang.ir import (
    Action,
    Assert,
    Assign,
    Expr,
    Fill,
    ForEach,
    If,
    Let,
    Places,
    Pop,
    Push,
    Remove,
    Require,
    SetMember,
    Statement,
    Values,
    Variable,
)
from kvspec.lang.types import FifoType, IntType, ScalarType, SetType


@dataclass(frozen=True, eq=False, slots=True)
class Goal:
    """What must be true where a run gets to: an assertion, or that a written value is in its type.

    `known` is how many of the run's `assumed` come before it.
    """

    check: Assert | None
    condition: Term
    known: int


class Run:
    """One symbolic run of an action from a given state."""

    def __init__(self, reading: Reading, action: Action, start: SymbolicState) -> None:
        self.reading, self.words = reading, reading.words
        self.state = start
        self.env: dict[str, Value] = {}
        self.path: list[Term] = []
        self.assumed: list[Term] = []
        self.goals: list[Goal] = []
        self.points: list[Term] = []  # where the run writes: candidates for what changed
        self.touched: list[tuple[Variable, Index]] = []  # every cell written, in order
        self.parameters: list[Term] = []
        for parameter in action.parameters:
            symbol = z3.Const(f"parameter.{parameter.name}", self.words.sort_of(parameter.type))
            self.env[parameter.name] = symbol
            self.parameters.append(symbol)
            self.assumed.append(self.words.in_type(parameter.type, symbol))
        self.run(action.body)

    def terms_of_interest(self) -> list[Term]:
        """The terms that the action itself talks about, each once."""
        found = [v for v in self.env.values() if isinstance(v, z3.ExprRef)]
        unique = {term.get_id(): term for term in (*found, *self.points)}
        return list(unique.values())

    # ---- statements

    def run(self, statements: Sequence[Statement]) -> None:
        """Run the statements in order."""
        for statement in statements:
            self._run_one(statement)

    def _run_one(self, statement: Statement) -> None:
        match statement:
            case Let(local=local, value=value):
                self.env[local.name] = self.reading.value(value, self.state, self.env)
            case Require(condition=condition):
                self._assume(self._term(condition))
            case Assert(condition=condition):
                self._prove(self._term(condition), statement)
            case If():
                self._branch(statement)
            case ForEach():
                self._loop(statement)
            case _:
                index = self.reading.terms(statement.index, self.state, self.env)
                self.points.extend(index)
                self.touched.append((statement.variable, index))
                self.state = self._written(statement, index)

    def _term(self, expr: Expr) -> Term:
        return self.reading.term(expr, self.state, self.env)

    def _assume(self, condition: Term) -> None:
        self.assumed.append(self._closed(condition))

    def _prove(self, condition: Term, check: Assert | None) -> None:
        closed = self._closed(condition)
        self.goals.append(Goal(check, closed, len(self.assumed)))
        if check is not None:
            self.assumed.append(closed)

    def _closed(self, condition: Term) -> Term:
        reached = implication(conjunction(self.path), condition)
        return for_all(self.reading.symbols.around(reached), reached)

    def _written(
        self, statement: Assign | Push | Pop | Remove | SetMember | Fill, index: Index
    ) -> SymbolicState:
        variable = statement.variable
        match statement:
            case Assign(value=value):
                leaf = variable.leaf
                assert not isinstance(leaf, FifoType | SetType)
                new = self._term(value)
                self._fits(leaf, new)
                return assigned(self.state, variable, index, new)
            case Push(fields=fields):
                values = self.reading.terms(fields, self.state, self.env)
                self._push_fits(variable, index, values)
                self.points.extend(values)
                if not is_counted(variable):
                    self.points.append(self.state[variable.name, TAIL](*index))
                return self._counted(pushed(self.state, variable, index, values), variable, index)
            case Pop():
                length = self.reading.length(variable, index, self.state)
                self._prove(length > 0, None)
                front = None
                if is_counted(variable):
                    front = self.reading.front(variable, index, self.state)
                self.points.append(self._popped_point(variable, index, front))
                return self._counted(popped(self.state, variable, index, front), variable, index)
            case Remove(element=element):
                gone = self._term(element)
                self.points.append(gone)
                after = member_set(self.state, variable, index, gone, z3.BoolVal(False))
                return self._counted(after, variable, index)
            case SetMember(element=element, present=present):
                member, there = self._term(element), self._term(present)
                self._fits(element_of(variable), member)
                self.points.append(member)
                after = member_set(self.state, variable, index, member, there)
                return self._counted(after, variable, index)
            case Fill():
                return self._counted(self._filled(statement, index), variable, index)

    def _popped_point(self, variable: Variable, index: Index, front: Term | None) -> Term:
        return self.state[variable.name, HEAD](*index) if front is None else front

    def _fits(self, scalar: ScalarType, value: Term) -> None:
        if isinstance(scalar, IntType):
            self._prove(self.words.in_type(scalar, value), None)

    def _push_fits(self, variable: Variable, index: Index, values: Index) -> None:
        length = self.reading.length(variable, index, self.state)
        self._prove(length < capacity(self.words, variable), None)
        if is_counted(variable):
            present = self.state[variable.name, HAS](*index, values[0])
            self._prove(negation(present), None)
        leaf = variable.leaf
        assert isinstance(leaf, FifoType)
        for (_, scalar), value in zip(leaf.fields, values, strict=True):
            self._fits(scalar, value)

    def _counted(self, after: SymbolicState, variable: Variable, index: Index) -> SymbolicState:
        """The state after a write, with the theorems about the written set or queue noted."""
        if is_counted(variable):
            self.reading.symbols.add_fact(counted_facts(self.words, after, variable, index))
        return after

    def _filled(self, statement: Fill, index: Index) -> SymbolicState:
        """Exactly the values that satisfy the condition, in the order of their sort."""
        name, scalar, symbols = statement.variable.name, statement.bound.type, self.reading.symbols
        if not self.words.is_open(scalar):
            raise NoEverySizeMeaning(f"{name} is filled from {scalar}, which is not a sort")
        x = symbols.bound(self.words.sort_of(scalar))
        with symbols.binding(x):
            env = {**self.env, statement.bound.name: x}
            condition = self.reading.term(statement.condition, self.state, env)
        instance, _ = symbols.instance(
            Role.SUM,
            holes=(),
            bound=x,
            meaning=choice(condition, z3.IntVal(1), z3.IntVal(0)),
            arguments=(),
        )

        def chosen(at: Index) -> Term:
            return z3.substitute(condition, (x, at[-1]))

        end = capacity(self.words, statement.variable)
        changed: dict[Part, Cells] = {
            (name, HAS): self.state[name, HAS].rewritten(index, chosen),
            (name, TICKET): self.state[name, TICKET].rewritten(
                index, lambda at: symbols.number(at[-1])
            ),
            (name, NEXT): self.state[name, NEXT].written(index, end),
            (name, COUNT): self.state[name, COUNT].written(index, instance.term),
        }
        return replaced(self.state, changed)

    # ---- branches and loops

    def _branch(self, statement: If) -> None:
        condition = self._term(statement.condition)
        start, env = self.state, dict(self.env)
        self.path.append(condition)
        self.run(statement.then)
        yes, yes_env = self.state, self.env
        self.state, self.env = start, dict(env)
        self.path[-1] = negation(condition)
        self.run(statement.otherwise)
        self.path.pop()
        self.state = _merged(condition, yes, self.state)
        self.env = _merged_env(condition, yes_env, self.env)

    def _loop(self, statement: ForEach) -> None:
        domain, name = statement.domain, statement.bound.name
        if isinstance(domain, Places):
            raise NoEverySizeMeaning(f"a loop over the places of {domain.variable.name}")
        before = dict(self.env)
        if self.words.is_written_out(domain.type):
            for value in self.words.values(domain.type):
                self.env[name] = value
                self.run(statement.body)
        else:
            self._all_at_once(statement, domain)
        self.env = before

    def _all_at_once(self, statement: ForEach, domain: Values) -> None:
        """Every round of the loop at once, each on the cells that are its own."""
        places = {v: own_place(statement, v) for v in variables_written(statement.body)}
        symbols = self.reading.symbols
        symbols.count += 1
        each = z3.Const(f"each{symbols.count}", self.words.sort_of(domain.type))
        inside = self.words.in_type(domain.type, each)
        self.env[statement.bound.name] = each
        start, points, touched = self.state, list(self.points), len(self.touched)
        with symbols.binding(each):
            self.path.append(inside)
            self.run(statement.body)
            self.path.pop()
        changed: dict[Part, Cells] = {}
        for variable, place in places.items():
            for part, _, _ in parts_of(variable):
                key = (variable.name, part)
                if self.state[key] is not start[key] and place < index_length(variable, part):
                    rounds = EachRound(self.state[key], start[key], each, inside, place)
                    changed[key] = Cells(rounds.at)
        self.state, self.points = replaced(start, changed), points
        for variable, index in self.touched[touched:]:
            if places[variable] == len(variable.dims):
                self.state = self._recounted(variable, index, each)

    def _recounted(self, variable: Variable, index: Index, each: Term) -> SymbolicState:
        """The state with a cell's count taken anew, after a loop over its possible members."""
        symbols, name = self.reading.symbols, variable.name
        if any(occurs(each, term) for term in index):
            raise NoEverySizeMeaning(f"rounds of a loop change members of several {name}")
        holes = [z3.Const(f"hole{n}", term.sort()) for n, term in enumerate(index)]
        x = symbols.bound(self.words.sort_of(element_of(variable)))
        member = self.state[name, HAS](*holes, x)
        instance, _ = symbols.instance(
            Role.SUM,
            holes=holes,
            bound=x,
            meaning=choice(member, z3.IntVal(1), z3.IntVal(0)),
            arguments=index,
        )
        count = self.state[name, COUNT].written(index, instance.term)
        return self._counted(replaced(self.state, {(name, COUNT): count}), variable, index)


def _merged(condition: Term, yes: SymbolicState, no: SymbolicState) -> SymbolicState:
    changed = {k: yes[k].merged(condition, no[k]) for k in yes if yes[k] is not no[k]}
    return replaced(no, changed)


def _merged_env(condition: Term, yes: Environment, no: Environment) -> dict[str, Value]:
    merged = {**yes, **no}
    for name in yes.keys() & no.keys():
        a, b = yes[name], no[name]
        if isinstance(a, z3.ExprRef) and isinstance(b, z3.ExprRef):
            merged[name] = choice(condition, a, b)
        elif a is not b:
            raise NoEverySizeMeaning(f"{name} is one of two places of a queue")
    return merged
