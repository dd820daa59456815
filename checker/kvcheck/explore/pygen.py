"""A model as plain Python functions on `State` tuples: no compiler, ready in milliseconds.

It decides the text and executes it once; `pysearch` searches with the functions. Each action
becomes a function that appends every successor to a list, with the parameter loops inside, pure
guard conjuncts tested as far out as they go, and loops over finite domains written out (so that a
closed guard is always one `continue`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from kvcheck.explore.plan import Plan, hoisted, in_order
from kvcheck.explore.pyexpr import PyExpressions, local_name
from kvcheck.explore.ranges import is_checked
from kvcheck.explore.sites import Sites
from kvspec.lang.footprint import variables_written
from kvspec.lang.ir import (
    Assert,
    Assign,
    Expr,
    Fill,
    ForEach,
    If,
    Let,
    Model,
    Places,
    Pop,
    Push,
    Remove,
    Require,
    SetMember,
    Statement,
    Variable,
)
from kvspec.lang.state import State
from kvspec.lang.types import FifoType, RecordType, SetType, value_count

Failure: TypeAlias = tuple[int, int]
"""(number of the argument choice, assertion site) of a failing assertion."""

Successors: TypeAlias = Callable[[State, list[State], list[Failure], list[int]], None]
Check: TypeAlias = Callable[[State], list[int]]


@dataclass(frozen=True, slots=True)
class PyModel:
    """`actions[k](state, successors, failures, counts)` appends; `check_*` list property numbers.

    `check_invariants` lists the invariants that are false, the other two the properties that hold.
    """

    actions: tuple[Successors, ...]
    check_invariants: Check
    check_goals: Check
    check_terminals: Check
    source: str


class _Writer:
    def __init__(self, model: Model, sites: Sites, counted: bool, labelled: bool) -> None:
        self.model, self.sites = model, sites
        self.counted, self.labelled = counted, labelled
        self.lines: list[str] = []
        self.depth = self.number = 0
        self.combination = "0"
        self.written: frozenset[str] = frozenset()
        self.expressions = PyExpressions(self._rows, lambda name: f"k_{local_name(name)}")

    def _rows(self, variable: Variable) -> str:
        prefix = "n" if variable.name in self.written else "v"
        return prefix + local_name(variable.name)

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        self.line(head)
        self.depth += 1
        before = len(self.lines)
        yield
        if len(self.lines) == before:
            self.line("pass")
        self.depth -= 1

    def unpack(self) -> None:
        names = ", ".join(f"v{local_name(v.name)}" for v in self.model.variables)
        self.line(f"({names},) = s" if names else "pass")

    # ---- an action

    def action(self, number: int, plan: Plan) -> None:
        action, self.number = plan.action, number
        with self.block(f"def action_{number}(s, out, fails, counts):"):
            self.unpack()
            for statement in plan.stages[0]:
                self.pure(statement, "return")
            depth = self.depth
            combination = "0"
            for parameter, stage in zip(action.parameters, plan.stages[1:], strict=True):
                name, kind = local_name(parameter.name), parameter.type
                self.line(f"for {name} in range({kind.low}, {kind.high + 1}):")
                self.depth += 1
                combination = f"({combination} * {value_count(kind)} + {name} - {kind.low})"
                for statement in stage:
                    self.pure(statement, "continue")
            if not action.parameters:
                self.line("for _ in (0,):")
                self.depth += 1
            self.rest(plan.rest, combination)
            self.depth = depth

    def pure(self, statement: Let | Require, leave: str) -> None:
        if isinstance(statement, Let):
            self.line(
                f"{local_name(statement.local.name)} = {self.expressions.value(statement.value)}"
            )
            return
        condition = self.expressions.text(statement.condition)
        if self.counted:
            site = 2 * self.sites.require_numbers[self.number, statement]
            with self.block(f"if {condition}:"):
                self.line(f"counts[{site}] += 1")
            with self.block("else:"):
                self.line(f"counts[{site + 1}] += 1")
                self.line(leave)
        else:
            self.line(f"if not {condition}: {leave}")

    def rest(self, statements: tuple[Statement, ...], combination: str) -> None:
        written = frozenset(v.name for v in variables_written(statements))
        for variable in self.model.variables:
            if variable.name in written:
                name = local_name(variable.name)
                self.line(f"n{name} = list(v{name})")
        self.written = written
        self.combination = combination
        self.statements(statements)
        rows = [
            f"tuple({self._rows(v)})" if v.name in written else self._rows(v)
            for v in self.model.variables
        ]
        after = f"({', '.join(rows)},)" if written and rows else "s"
        self.line(
            f"out.append(({combination}, {after}))" if self.labelled else f"out.append({after})"
        )
        self.written = frozenset()

    def statements(self, statements: tuple[Statement, ...]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, statement: Statement) -> None:
        text = self.expressions.text
        match statement:
            case Let() | Require():
                self.pure(statement, "continue")
            case Assert():
                if is_checked(statement):
                    with self.block(f"if not {text(statement.condition)}:"):
                        site = self.sites.check_numbers[self.number, statement]
                        self.line(f"fails.append(({self.combination}, {site}))")
                        self.line("continue")
            case If(condition=condition, then=then, otherwise=otherwise):
                with self.block(f"if {text(condition)}:"):
                    self.statements(then)
                if otherwise:
                    with self.block("else:"):
                        self.statements(otherwise)
            case ForEach():
                self.loop(statement)
            case Fill():
                raise AssertionError("Fill occurs only in init, which is run concretely")
            case _:
                self.write(statement)

    def loop(self, statement: ForEach) -> None:
        name, domain = statement.bound.name, statement.domain
        if isinstance(domain, Places):
            leaf = domain.variable.leaf
            assert isinstance(leaf, FifoType)
            cell = self.expressions.cell(domain.variable, domain.index)
            values = range(leaf.capacity)
        else:
            cell, values = "", range(domain.type.low, domain.type.high + 1)
        for value in values:
            self.expressions.bound[name] = str(value) if value >= 0 else f"({value})"
            if cell:
                with self.block(f"if len({cell}) > {value}:"):
                    self.statements(statement.body)
            else:
                self.statements(statement.body)
        self.expressions.bound.pop(name, None)

    def write(self, statement: Assign | Push | Pop | Remove | SetMember) -> None:
        cell = self.expressions.cell(statement.variable, statement.index)
        leaf = statement.variable.leaf
        value = self.expressions.value
        match statement:
            case Assign():
                self.line(f"{cell} = {value(statement.value)}")
            case Push():
                items = ", ".join(value(f) for f in statement.fields)
                assert isinstance(leaf, FifoType)
                item = f"({items},)" if isinstance(leaf.element, RecordType) else items
                self.line(f"{cell} = (*{cell}, {item})")
            case Pop():
                self.line(f"{cell} = {cell}[1:]")
            case Remove():
                self.line(f"e = {value(statement.element)}")
                self.line(f"{cell} = tuple([x for x in {cell} if x != e])")
            case SetMember():
                assert isinstance(leaf, SetType)
                self.line(f"e = 1 << ({value(statement.element)} - {leaf.element.low})")
                present = self.expressions.text(statement.present)
                self.line(f"{cell} = {cell} | e if {present} else {cell} & ~e")

    # ---- properties

    def check(self, name: str, formulas: list[Expr], negated: bool) -> None:
        with self.block(f"def {name}(s):"):
            self.unpack()
            self.line("found = []")
            for number, formula in enumerate(formulas):
                condition = self.expressions.text(formula)
                self.line(f"if {'not ' if negated else ''}{condition}: found.append({number})")
            self.line("return found")


def generate(model: Model, sites: Sites, *, counted: bool, labelled: bool = False) -> PyModel:
    """The functions of a model; `counted` also counts guard conjuncts, in the spec's order.

    With `labelled`, each successor comes as (number of the argument choice, state).
    """
    writer = _Writer(model, sites, counted, labelled)
    for number, action in enumerate(model.actions):
        writer.action(number, in_order(action) if counted else hoisted(action))
    for name, group, negated in (
        ("check_invariants", sites.invariants, True),
        ("check_goals", sites.goals, False),
        ("check_terminals", sites.terminals, False),
    ):
        writer.check(name, [p.formula for p in group], negated)
    source = "\n".join(writer.lines)
    names: dict[str, Any] = {  # Any: what exec defines has no static type
        f"k_{local_name(c.name)}": c.table for c in model.constants
    }
    exec(compile(source, f"<actions of {model.name}>", "exec"), names)
    return PyModel(
        tuple(names[f"action_{k}"] for k in range(len(model.actions))),
        names["check_invariants"],
        names["check_goals"],
        names["check_terminals"],
        source,
    )
