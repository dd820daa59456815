"""One action run over a symbolic state, every branch at once: predicated symbolic execution.

It decides, as Z3 terms, when the action is disabled, when it fails which assertion, and what state
it leaves; it asks no solver. Statements run in order, each under the condition of its branch. The
checks met on the way are kept in order, because the first false one decides how the action ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kvcheck.solve.cell_steps import (
    cell_length,
    choose_cell,
    filled,
    has_element,
    popped,
    pushed,
    removed,
    with_member,
)
from kvcheck.solve.cells import (
    ArrayQueue,
    Cell,
    SetCell,
    TicketQueue,
    fresh_scalar,
    scalar_of,
    typed_scalar,
)
from kvcheck.solve.finite_read import PlaceOf, Reading
from kvcheck.solve.finite_state import Cells
from kvcheck.solve.numbers import (
    Algebra,
    Bit,
    Number,
    Scalar,
    conjunction,
    disjunction,
    implication,
    known,
    negation,
)
from kvspec.lang.ir import (
    Action,
    Assert,
    Assign,
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
    Values,
)
from kvspec.lang.types import FifoType, SetType


@dataclass(frozen=True, slots=True)
class Check:
    """A guard conjunct, an assertion, or a write that must stay in its type, met on some branch.

    `passed` is true where this check was not reached or holds; `before` where all earlier guard
    conjuncts and assertions passed.
    """

    statement: Require | Assert | Assign | Push
    passed: Bit
    before: Bit


@dataclass(frozen=True, slots=True)
class Execution:
    """What one action does: its arguments, its checks in order, the state it leaves.

    `after` means something only where `stepped` is true.
    """

    arguments: tuple[Scalar, ...]
    well_typed: Bit
    checks: tuple[Check, ...]
    after: Cells
    stepped: Bit

    def disabled(self) -> Bit:
        """True where some guard conjunct is the first false check."""
        return self._first_false(
            [check for check in self.checks if isinstance(check.statement, Require)]
        )

    def failed(self, assertion: Assert) -> Bit:
        """True where this assertion is the first false check."""
        return self._first_false([check for check in self.checks if check.statement == assertion])

    def untyped_writes(self) -> tuple[Check, ...]:
        """The writes for which it is not plain that they stay in their type."""
        return tuple(c for c in self.checks if isinstance(c.statement, Assign | Push))

    @staticmethod
    def _first_false(checks: Sequence[Check]) -> Bit:
        return disjunction(*(conjunction(c.before, negation(c.passed)) for c in checks))


@dataclass(slots=True)
class _Run:
    reading: Reading
    path: Bit = True
    passed_so_far: Bit = True
    checks: list[Check] = field(default_factory=list)

    def run(self, body: Sequence[Statement]) -> None:
        for statement in body:
            self._run_one(statement)

    def _run_one(self, statement: Statement) -> None:
        match statement:
            case Let(local=local, value=value):
                self._bind(local.name, self.reading.value(value))
            case Require(condition=condition) | Assert(condition=condition):
                holds = implication(self.path, self.reading.bit(condition))
                self._check(statement, holds)
                self.passed_so_far = conjunction(self.passed_so_far, holds)
            case If():
                self._branch(statement)
            case ForEach():
                self._loop(statement)
            case _:
                self._write(statement)

    def _bind(self, name: str, value: Scalar) -> None:
        old = self.reading.bound.get(name)
        if old is not None and not isinstance(self.path, bool):
            assert not isinstance(old, PlaceOf)
            value = self.reading.algebra.choose(self.path, value, old)
        self.reading.bound[name] = value

    def _check(self, statement: Require | Assert | Assign | Push, passed: Bit) -> None:
        if passed is not True:
            self.checks.append(Check(statement, passed, self.passed_so_far))

    def _branch(self, statement: If) -> None:
        condition = self.reading.bit(statement.condition)
        outer = self.path
        sides = ((condition, statement.then), (negation(condition), statement.otherwise))
        for taken, body in sides:
            self.path = conjunction(outer, taken)
            if self.path is not False:
                self.run(body)
        self.path = outer

    def _loop(self, statement: ForEach) -> None:
        name, outer_path, outer_bound = statement.bound.name, self.path, dict(self.reading.bound)
        for here, value in self._turns(statement):
            self.path = conjunction(outer_path, here)
            self.reading.bound = {**outer_bound, name: value}
            if self.path is not False:
                self.run(statement.body)
        self.path, self.reading.bound = outer_path, outer_bound

    def _turns(self, statement: ForEach) -> list[tuple[Bit, Scalar]]:
        domain = statement.domain
        if isinstance(domain, Values):
            kind = domain.type
            return [(True, scalar_of(kind, v)) for v in range(kind.low, kind.high + 1)]
        algebra = self.reading.algebra
        length = self._length(domain)
        leaf = domain.variable.leaf
        assert isinstance(leaf, FifoType)
        places = [known(place) for place in range(leaf.capacity)]
        return [(algebra.less(place, length), place) for place in places]

    def _length(self, domain: Places) -> Number:
        algebra = self.reading.algebra
        column = self.reading.cells[domain.variable.name]
        (_, first), *rest = self.reading.rows(domain.variable.dims, domain.index)
        length = cell_length(algebra, column[first])
        for condition, row in rest:
            length = algebra.choose_number(condition, cell_length(algebra, column[row]), length)
        return length

    # ---- writes

    def _write(self, statement: Assign | Push | Pop | Remove | SetMember | Fill) -> None:
        variable = statement.variable
        column = self.reading.cells[variable.name]
        values = self._operands(statement)
        for condition, row in self.reading.rows(variable.dims, statement.index):
            here = conjunction(self.path, condition)
            if here is False:
                continue
            if isinstance(statement, Assign | Push):
                self._check(
                    statement, implication(here, self._fits(statement, column[row], values))
                )
            new = self._updated(statement, column[row], values)
            column[row] = choose_cell(self.reading.algebra, here, new, column[row])

    def _operands(
        self, statement: Assign | Push | Pop | Remove | SetMember | Fill
    ) -> tuple[Scalar, ...]:
        reading = self.reading
        match statement:
            case Assign(value=value):
                return (reading.value(value),)
            case Push(fields=fields):
                return tuple(reading.value(part) for part in fields)
            case Remove(element=element):
                return (reading.number(element),)
            case SetMember(element=element, present=present):
                return (reading.number(element), reading.bit(present))
            case Fill(bound=bound, condition=condition):
                kind = bound.type
                conditions = []
                for candidate in range(kind.low, kind.high + 1):
                    reading.bound[bound.name] = scalar_of(kind, candidate)
                    conditions.append(reading.bit(condition))
                del reading.bound[bound.name]
                return tuple(conditions)
            case Pop():
                return ()

    def _fits(self, statement: Assign | Push, cell: Cell, values: tuple[Scalar, ...]) -> Bit:
        """True where the write leaves the cell within its type."""
        algebra, leaf = self.reading.algebra, statement.variable.leaf
        if isinstance(statement, Assign):
            assert not isinstance(leaf, FifoType | SetType)
            return self._within(values[0], leaf.low, leaf.high)
        assert isinstance(leaf, FifoType)
        room = algebra.less(cell_length(algebra, cell), known(leaf.capacity))
        typed = [
            self._within(value, kind.low, kind.high)
            for value, (_, kind) in zip(values, leaf.fields, strict=True)
        ]
        if not leaf.unique:
            return conjunction(room, *typed)
        element = algebra.as_number(values[0])
        present = has_element(algebra, cell, leaf.fields[0][1].low, element)
        return conjunction(room, negation(present), *typed)

    def _within(self, value: Scalar, low: int, high: int) -> Bit:
        if not isinstance(value, Number):
            return True
        algebra = self.reading.algebra
        return conjunction(algebra.at_most(known(low), value), algebra.at_most(value, known(high)))

    def _updated(
        self,
        statement: Assign | Push | Pop | Remove | SetMember | Fill,
        cell: Cell,
        values: tuple[Scalar, ...],
    ) -> Cell:
        algebra, leaf = self.reading.algebra, statement.variable.leaf
        if isinstance(cell, SetCell):
            assert isinstance(leaf, SetType)
            element = algebra.as_number(values[0])
            present = values[1]
            assert not isinstance(present, Number)
            return with_member(algebra, cell, leaf.element.low, element, present)
        if isinstance(cell, TicketQueue | ArrayQueue):
            assert isinstance(leaf, FifoType)
            match statement:
                case Push():
                    kinds = (kind for _, kind in leaf.fields)
                    fields = zip(kinds, values, strict=True)
                    typed = [typed_scalar(algebra, kind, value) for kind, value in fields]
                    return pushed(algebra, cell, leaf.capacity, typed)
                case Pop():
                    return popped(algebra, cell)
                case Remove():
                    return removed(algebra, cell, algebra.as_number(values[0]))
                case _:
                    assert isinstance(cell, TicketQueue)
                    return filled(algebra, cell, _bits(values))
        assert not isinstance(leaf, FifoType | SetType)
        return typed_scalar(algebra, leaf, values[0])


def _bits(values: Sequence[Scalar]) -> list[Bit]:
    return [value for value in values if not isinstance(value, Number)]


def execute(
    algebra: Algebra, model: Model, action: Action, before: Cells, *, tag: str = ""
) -> Execution:
    """The action with unknown arguments in this state; `before` is left as it is."""
    drawn = [
        fresh_scalar(algebra, p.type, f"{tag}{action.name}.{p.name}") for p in action.parameters
    ]
    arguments = tuple(value for value, _ in drawn)
    return _executed(
        algebra, model, action, before, arguments, conjunction(*(fits for _, fits in drawn))
    )


def execute_with(
    algebra: Algebra, model: Model, action: Action, before: Cells, arguments: Sequence[int]
) -> Execution:
    """The action with these arguments in this state."""
    given = zip(action.parameters, arguments, strict=True)
    scalars = tuple(scalar_of(p.type, value) for p, value in given)
    return _executed(algebra, model, action, before, scalars, True)


def _executed(
    algebra: Algebra,
    model: Model,
    action: Action,
    before: Cells,
    arguments: tuple[Scalar, ...],
    well_typed: Bit,
) -> Execution:
    bound = dict(zip((p.name for p in action.parameters), arguments, strict=True))
    cells = {variable.name: list(before[variable.name]) for variable in model.variables}
    run = _Run(Reading(algebra, cells, dict(bound)))
    run.run(action.body)
    return Execution(arguments, well_typed, tuple(run.checks), cells, run.passed_so_far)
