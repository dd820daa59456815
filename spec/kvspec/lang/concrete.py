"""The concrete reading of a model: the slow, plain evaluator that every other reading is held to.

It decides what one action does to one state and whether a property holds there; it searches
nothing. Written for being obviously right: one case an IR node, no caching. Whatever any engine
finds is run through here before a person sees it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from kvspec.lang.ir import (
    Action,
    Apply,
    Assert,
    Assign,
    At,
    Domain,
    Expr,
    Fill,
    ForEach,
    Has,
    If,
    Len,
    Let,
    Literal,
    Local,
    Model,
    Operator,
    Places,
    Pop,
    Position,
    Property,
    Push,
    Quantified,
    QuantifierKind,
    Read,
    ReadConstant,
    Remove,
    Require,
    SetMember,
    SizeOf,
    Statement,
    Variable,
)
from kvspec.lang.state import Element, Row, State, blank_state, row_number
from kvspec.lang.types import FifoType, RecordType, ScalarType, SetType

Arguments: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stepped:
    """The action ran to its end."""

    state: State


@dataclass(frozen=True, slots=True)
class Disabled:
    """The guard conjunct `require` is false here."""

    require: Require


@dataclass(frozen=True, slots=True)
class Failed:
    """An assertion inside the action is false; `state` is what it had done until then."""

    check: Assert
    state: State


Outcome: TypeAlias = Stepped | Disabled | Failed


class _Stop(Exception):
    def __init__(self, statement: Require | Assert) -> None:
        self.statement = statement


class Evaluation:
    """One run of statements or expressions over one state, with its locals."""

    def __init__(self, model: Model, state: State) -> None:
        self.rows: dict[str, list[Row]] = {
            v.name: list(rows) for v, rows in zip(model.variables, state, strict=True)
        }
        self.locals: dict[str, int] = {}
        self.model = model

    def state(self) -> State:
        """The state as it is now."""
        return tuple(tuple(self.rows[v.name]) for v in self.model.variables)

    # ---- expressions

    def value(self, expr: Expr) -> int:
        """The value of an expression here."""
        match expr:
            case Literal(value=value) | SizeOf(value=value):
                return value
            case Local(name=name):
                return self.locals[name]
            case Read(variable=variable, index=index):
                row = self.row(variable, index)
                assert isinstance(row, int)
                return row
            case ReadConstant(constant=constant, index=index):
                return constant.table[row_number(constant.dims, self._values(index))]
            case Len(variable=variable, index=index):
                row = self.row(variable, index)
                return row.bit_count() if isinstance(row, int) else len(row)
            case At():
                return self._at(expr)
            case Has(variable=variable, index=index, element=element):
                return self._has(variable, self.row(variable, index), self.value(element))
            case Apply(operator=operator, operands=operands):
                return self._apply(operator, operands)
            case Quantified():
                return self._quantified(expr)

    def row(self, variable: Variable, index: Sequence[Expr]) -> Row:
        """The cell of a variable that an index selects."""
        return self.rows[variable.name][row_number(variable.dims, self._values(index))]

    def _values(self, exprs: Sequence[Expr]) -> list[int]:
        return [self.value(e) for e in exprs]

    def _at(self, expr: At) -> int:
        row = self.row(expr.variable, expr.index)
        leaf = expr.variable.leaf
        assert isinstance(leaf, FifoType)
        assert isinstance(row, tuple)
        place = self.value(expr.place)
        names = [name for name, _ in leaf.fields]
        if not 0 <= place < len(row):
            return expr.type.low  # moot: an Assert stands before every such read
        item = row[place]
        return item[names.index(expr.field)] if isinstance(item, tuple) else item

    @staticmethod
    def _has(variable: Variable, row: Row, element: int) -> int:
        if isinstance(variable.leaf, SetType):
            assert isinstance(row, int)
            return row >> (element - variable.leaf.element.low) & 1
        assert isinstance(row, tuple)
        return int(element in row)

    def _apply(self, operator: Operator, operands: tuple[Expr, ...]) -> int:
        match operator:
            case Operator.AND:
                return int(all(self.value(x) for x in operands))
            case Operator.OR:
                return int(any(self.value(x) for x in operands))
            case Operator.NOT:
                return 1 - self.value(operands[0])
            case Operator.ITE:
                return self.value(operands[1] if self.value(operands[0]) else operands[2])
        left, right = self._values(operands)
        match operator:
            case Operator.EQ:
                return int(left == right)
            case Operator.LT:
                return int(left < right)
            case Operator.LE:
                return int(left <= right)
            case Operator.ADD:
                return left + right
            case Operator.SUB:
                return left - right

    def domain(self, domain: Domain) -> range:
        """The values a bound variable runs through."""
        if isinstance(domain, Places):
            row = self.row(domain.variable, domain.index)
            assert isinstance(row, tuple)
            return range(len(row))
        return range(domain.type.low, domain.type.high + 1)

    def _quantified(self, expr: Quantified) -> int:
        bodies = self._bodies(expr)
        match expr.kind:
            case QuantifierKind.ALL:
                return int(all(body for _, body in bodies))
            case QuantifierKind.ANY:
                return int(any(body for _, body in bodies))
            case QuantifierKind.COUNT | QuantifierKind.SUM:
                return sum(body for _, body in bodies)
            case QuantifierKind.FIRST:
                return next((value for value, body in bodies if body), expr.type.low)

    def _bodies(self, expr: Quantified) -> Iterator[tuple[int, int]]:
        name = expr.bound.name
        for bound in self.domain(expr.domain):
            self.locals[name] = bound
            yield bound, self.value(expr.body)
        self.locals.pop(name, None)

    # ---- statements

    def run(self, statements: Sequence[Statement]) -> None:
        """Run statements in order; raises `_Stop` at a false guard conjunct or assertion."""
        for statement in statements:
            self._run_one(statement)

    def _run_one(self, statement: Statement) -> None:
        match statement:
            case Let(local=local, value=new):
                self.locals[local.name] = self.value(new)
            case Require(condition=condition) | Assert(condition=condition):
                if not self.value(condition):
                    raise _Stop(statement)
            case If(condition=condition, then=then, otherwise=otherwise):
                self.run(then if self.value(condition) else otherwise)
            case ForEach(bound=bound, domain=domain, body=body):
                for value in self.domain(domain):
                    self.locals[bound.name] = value
                    self.run(body)
            case _:
                variable = statement.variable
                values = [self.value(i) for i in statement.index]
                row = row_number(variable.dims, values)
                old = self.rows[variable.name][row]
                self.rows[variable.name][row] = self._written(statement, old)

    def _written(self, statement: Assign | Push | Pop | Remove | SetMember | Fill, old: Row) -> Row:
        if isinstance(statement, Assign):
            return self.value(statement.value)
        if isinstance(statement, SetMember):
            leaf = statement.variable.leaf
            assert isinstance(old, int)
            assert isinstance(leaf, SetType)
            bit = 1 << (self.value(statement.element) - leaf.element.low)
            return old | bit if self.value(statement.present) else old & ~bit
        assert isinstance(old, tuple)
        if isinstance(statement, Push):
            return (*old, self._element(statement))
        if isinstance(statement, Pop):
            return old[1:]
        if isinstance(statement, Remove):
            gone = self.value(statement.element)
            return tuple(item for item in old if item != gone)
        return tuple(self._filled(statement))

    def _element(self, statement: Push) -> Element:
        leaf = statement.variable.leaf
        assert isinstance(leaf, FifoType)
        values = self._values(statement.fields)
        return tuple(values) if isinstance(leaf.element, RecordType) else values[0]

    def _filled(self, statement: Fill) -> Iterator[int]:
        kind: ScalarType = statement.bound.type
        for value in range(kind.low, kind.high + 1):
            self.locals[statement.bound.name] = value
            if self.value(statement.condition):
                yield value


def arguments_of(action: Action) -> Iterator[Arguments]:
    """Every choice of the action's parameters, the last one fastest."""
    return product(*(range(p.type.low, p.type.high + 1) for p in action.parameters))


def step(model: Model, state: State, action: Action, arguments: Arguments) -> Outcome:
    """What the action with these arguments does in this state."""
    run = Evaluation(model, state)
    for parameter, value in zip(action.parameters, arguments, strict=True):
        run.locals[parameter.name] = value
    try:
        run.run(action.body)
    except _Stop as stop:
        if isinstance(stop.statement, Require):
            return Disabled(stop.statement)
        return Failed(stop.statement, run.state())
    return Stepped(run.state())


def initial_states(model: Model) -> tuple[State, ...]:
    """Every state that `init` makes, without repeats; raises ValueError where `init` fails."""
    found: dict[State, None] = {}
    for arguments in arguments_of(model.init):
        outcome = step(model, blank_state(model), model.init, arguments)
        if isinstance(outcome, Failed):
            at: Position = outcome.check.at
            raise ValueError(f"{at.file}:{at.line}: init fails: {outcome.check.message}")
        if isinstance(outcome, Stepped):
            found[outcome.state] = None
    return tuple(found)


def holds(model: Model, prop: Property, state: State) -> bool:
    """Whether the property's formula is true in this state."""
    return bool(Evaluation(model, state).value(prop.formula))
