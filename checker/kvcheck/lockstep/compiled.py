"""A model's actions as Python functions of one state and one choice of arguments.

It decides the text of the functions; their meaning is the concrete evaluator's, against which they
are tested. The idea: a judge takes one known step at a time, so a function gets its arguments, and
instead of a state it returns the number of the guard conjunct or assertion that is false. Rows that
an action does not write keep their identity, which tells the judge what cannot have changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

from kvspec.lang.concrete import Arguments
from kvspec.lang.footprint import subexpressions
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
    Values,
    Variable,
)
from kvspec.lang.state import State
from kvspec.lang.types import FifoType, RecordType, ScalarType, SetType, value_count

OUTSIDE = -1
UNROLLED_MAX = 4  # domains up to this size are written out: a generator costs more than they do

Step: TypeAlias = Callable[[State, Arguments], State | int]
Check: TypeAlias = Require | Assert
Write: TypeAlias = Assign | Push | Pop | Remove | SetMember | Fill
Written: TypeAlias = Mapping[int, int | None]

_INFIX = {
    Operator.AND: " and ",
    Operator.OR: " or ",
    Operator.EQ: " == ",
    Operator.LT: " < ",
    Operator.LE: " <= ",
    Operator.ADD: " + ",
    Operator.SUB: " - ",
}


@dataclass(frozen=True, slots=True)
class Compiled:
    """`steps` by action: the state after, or the index into `checks` of the one that is false.

    `OUTSIDE` instead of an index: an argument is not a value of its parameter's type. `written` has
    the numbers of the variables that an action may write, and of which argument it writes the cell,
    if that is all; it leaves all other rows as they are.
    """

    steps: Mapping[str, Step]
    checks: tuple[Check, ...]
    written: Mapping[str, Written]
    source: str


def compiled(model: Model) -> Compiled:
    """The functions of a model."""
    writer = _Writer(model)
    for number, action in enumerate(model.actions):
        writer.action(number, action)
    source = "\n".join(writer.lines)
    names: dict[str, Any] = {  # Any: what exec defines has no static type
        f"c{number}": constant.table for number, constant in enumerate(model.constants)
    }
    names["flat"] = chain.from_iterable
    exec(compile(source, f"<steps of {model.name}>", "exec"), names)
    steps = {action.name: names[f"a{number}"] for number, action in enumerate(model.actions)}
    written = {action.name: writer.written_by(action) for action in model.actions}
    return Compiled(steps, tuple(writer.checks), written, source)


class _Writer:
    def __init__(self, model: Model) -> None:
        self.model = model
        self.lines: list[str] = []
        self.checks: list[Check] = []
        self.depth = 0
        self.numbers = {v.name: number for number, v in enumerate(model.variables)}
        self.constants = {c.name: number for number, c in enumerate(model.constants)}
        self.locals: dict[str, str] = {}
        self.items: dict[tuple[str, tuple[Expr, ...], Expr], str] = {}
        self.written: frozenset[str] = frozenset()

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    # ---- an action

    def action(self, number: int, action: Action) -> None:
        """One function: guards read the old rows, and the first write copies what is written."""
        self.locals, self.written = {}, frozenset()
        self.line(f"def a{number}(s, args):")
        self.depth = 1
        self.line("(" + ", ".join(f"v{n}" for n in self.numbers.values()) + ",) = s")
        if action.parameters:
            self.line("(" + ", ".join(self.local(p) for p in action.parameters) + ",) = args")
            known = [f"{p.type.low} <= {self.local(p)} <= {p.type.high}" for p in action.parameters]
            self.line(f"if not ({' and '.join(known)}): return {OUTSIDE}")
        written = frozenset(write.variable.name for write in _writes(action.body))
        for statement in action.body:
            if not self.written and any(True for _ in _writes((statement,))):
                for name in sorted(written):
                    self.line(f"n{self.numbers[name]} = list(v{self.numbers[name]})")
                self.written = written
            self.statement(statement)
        rows = [f"tuple(n{n})" if v in written else f"v{n}" for v, n in self.numbers.items()]
        self.line("return (" + ", ".join(rows) + ",)")
        self.depth = 0

    def written_by(self, action: Action) -> Written:
        """The numbers of the variables, and the one argument whose cell is written."""
        places: dict[tuple[Expr, ...], int] = {
            (parameter,): place for place, parameter in enumerate(action.parameters)
        }
        found: dict[int, set[int | None]] = {}
        for write in _writes(action.body):
            own = found.setdefault(self.numbers[write.variable.name], set())
            own.add(places.get(write.index))
        return {number: own.pop() if len(own) == 1 else None for number, own in found.items()}

    def local(self, local: Local) -> str:
        """The Python name of a local."""
        return self.locals.setdefault(local.name, f"l{len(self.locals)}")

    def statement(self, statement: Statement) -> None:
        match statement:
            case Let(local=local, value=value):
                self.line(f"{self.local(local)} = {self.text(value)}")
            case Require(condition=condition) | Assert(condition=condition):
                self.line(f"if not {self.text(condition)}: return {len(self.checks)}")
                self.checks.append(statement)
            case If(condition=condition, then=then, otherwise=otherwise):
                self.block(f"if {self.text(condition)}:", then)
                if otherwise:
                    self.block("else:", otherwise)
            case ForEach(bound=bound, domain=domain, body=body):
                self.block(f"for {self.local(bound)} in {self.domain(domain)}:", body)
            case Fill():
                raise AssertionError("Fill occurs only in init, which is run concretely")
            case _:
                self.write(statement)

    def block(self, head: str, body: Iterable[Statement]) -> None:
        self.line(head)
        self.depth += 1
        self.line("pass")
        for statement in body:
            self.statement(statement)
        self.depth -= 1

    def write(self, statement: Assign | Push | Pop | Remove | SetMember) -> None:
        cell, leaf = self.cell(statement.variable, statement.index), statement.variable.leaf
        match statement:
            case Assign(value=value):
                self.line(f"{cell} = {self.text(value)}")
            case Push(fields=fields):
                assert isinstance(leaf, FifoType)
                items = ", ".join(self.text(f) for f in fields)
                item = f"({items},)" if isinstance(leaf.element, RecordType) else items
                self.line(f"{cell} = (*{cell}, {item})")
            case Pop():
                self.line(f"{cell} = {cell}[1:]")
            case Remove(element=element):
                self.line(f"q = {cell}")
                self.line(f"e = q.index({self.text(element)})")
                self.line(f"{cell} = q[:e] + q[e + 1 :]")
            case SetMember(element=element, present=present):
                assert isinstance(leaf, SetType)
                self.line(f"e = 1 << ({self.text(element)} - {leaf.element.low})")
                self.line(f"{cell} = {cell} | e if {self.text(present)} else {cell} & ~e")

    # ---- expressions

    def text(self, expr: Expr) -> str:
        """The expression, in brackets where they could matter."""
        match expr:
            case Literal(value=value) | SizeOf(value=value):
                return f"({value})"
            case Local():
                return self.local(expr)
            case Read(variable=variable, index=index):
                return self.cell(variable, index)
            case ReadConstant(constant=constant, index=index):
                return f"c{self.constants[constant.name]}[{self.place(constant.dims, index)}]"
            case Len(variable=variable, index=index):
                cell = self.cell(variable, index)
                is_set = isinstance(variable.leaf, SetType)
                return f"({cell}).bit_count()" if is_set else f"len({cell})"
            case At():
                return self.at(expr)
            case Has(variable=variable, index=index, element=element):
                cell, leaf = self.cell(variable, index), variable.leaf
                if isinstance(leaf, SetType):
                    return f"({cell} >> ({self.text(element)} - {leaf.element.low}) & 1)"
                return f"({self.text(element)} in {cell})"
            case Apply(operator=operator, operands=operands):
                return self.apply(operator, [self.text(o) for o in operands])
            case Quantified():
                return self.quantified(expr)

    def cell(self, variable: Variable, index: tuple[Expr, ...]) -> str:
        rows = f"{'n' if variable.name in self.written else 'v'}{self.numbers[variable.name]}"
        return f"{rows}[{self.place(variable.dims, index)}]"

    def place(self, dims: tuple[ScalarType, ...], index: tuple[Expr, ...]) -> str:
        place = ""
        for dim, expr in zip(dims, index, strict=True):
            own = f"({self.text(expr)} - {dim.low})" if dim.low else self.text(expr)
            place = f"({place}) * {value_count(dim)} + {own}" if place else own
        return place or "0"

    def at(self, expr: At) -> str:
        leaf = expr.variable.leaf
        assert isinstance(leaf, FifoType)
        items = (expr.variable.name, expr.index, expr.place)
        item = self.items.get(items)
        if item is None:
            item = f"{self.cell(expr.variable, expr.index)}[{self.text(expr.place)}]"
        names = [name for name, _ in leaf.fields]
        is_record = isinstance(leaf.element, RecordType)
        return f"{item}[{names.index(expr.field)}]" if is_record else item

    def apply(self, operator: Operator, operands: list[str]) -> str:
        match operator:
            case Operator.NOT:
                return f"(not {operands[0]})"
            case Operator.ITE:
                return f"({operands[1]} if {operands[0]} else {operands[2]})"
            case Operator.AND if not operands:
                return "True"
            case Operator.OR if not operands:
                return "False"
            case _:
                return "(" + _INFIX[operator].join(operands) + ")"

    def domain(self, domain: Domain) -> str:
        if isinstance(domain, Places):
            return f"range(len({self.cell(domain.variable, domain.index)}))"
        return f"range({domain.type.low}, {domain.type.high + 1})"

    def quantified(self, expr: Quantified) -> str:
        if expr.kind in (QuantifierKind.ALL, QuantifierKind.ANY):
            small = self.unrolled(expr)
            if small is not None:
                return small
            listed = self.listed(expr)
            if listed is not None:
                return listed
        sought = self.sought(expr)
        if sought is not None:
            return sought
        name, domain = self.local(expr.bound), self.domain(expr.domain)
        body = self.text(expr.body)
        match expr.kind:
            case QuantifierKind.ALL:
                return f"all({body} for {name} in {domain})"
            case QuantifierKind.ANY:
                return f"any({body} for {name} in {domain})"
            case QuantifierKind.COUNT | QuantifierKind.SUM:
                return f"sum([{body} for {name} in {domain}])"
            case QuantifierKind.FIRST:
                return f"next(({name} for {name} in {domain} if {body}), {expr.type.low})"

    def sought(self, expr: Quantified) -> str | None:
        """Whether `v[x] == e` for some x, or the first such x, by a look through the row."""
        domain, body = expr.domain, expr.body
        if not (isinstance(domain, Values) and isinstance(body, Apply)):
            return None
        if body.operator is not Operator.EQ or not isinstance(body.operands[0], Read):
            return None
        read, wanted = body.operands
        assert isinstance(read, Read)
        is_whole_row = read.variable.dims == (domain.type,) and read.index == (expr.bound,)
        if not is_whole_row or expr.bound in subexpressions(wanted):
            return None
        written = read.variable.name in self.written
        rows = f"{'n' if written else 'v'}{self.numbers[read.variable.name]}"
        found, low = f"{self.text(wanted)} in {rows}", domain.type.low
        match expr.kind:
            case QuantifierKind.ANY:
                return f"({found})"
            case QuantifierKind.FIRST:
                return f"({rows}.index({self.text(wanted)}) + {low} if {found} else {low})"
            case _:
                return None

    def listed(self, expr: Quantified) -> str | None:
        """A condition on every element of a FIFO whose places are named only to look there."""
        domain, bound = expr.domain, expr.bound
        if not isinstance(domain, Places):
            return None
        inside = list(subexpressions(expr.body))
        looks = [
            each
            for each in inside
            if isinstance(each, At)
            and (each.variable.name, each.index) == (domain.variable.name, domain.index)
            and each.place == bound
        ]
        if len(looks) != sum(each == bound for each in inside):
            return None
        if expr.kind is QuantifierKind.ANY:
            sought = self.field(expr, domain)
            if sought is not None:
                return f"({self.text(sought)} in flat({self.cell(domain.variable, domain.index)}))"
        place = (domain.variable.name, domain.index, bound)
        item = self.items[place] = self.local(bound)
        cell, body = self.cell(domain.variable, domain.index), self.text(expr.body)
        del self.items[place]
        of = "all" if expr.kind is QuantifierKind.ALL else "any"
        return f"({of}([{body} for {item} in {cell}]) if {cell} else {of == 'all'})"

    def field(self, expr: Quantified, domain: Places) -> Expr | None:
        """What some field of some element is to be equal to, if that is the condition.

        The place is named only in looks, as `listed` has found.
        """
        body, leaf = expr.body, domain.variable.leaf
        if not isinstance(body, Apply) or body.operator is not Operator.OR:
            return None
        sought: Expr | None = None
        named = set()
        for each in body.operands:
            if not isinstance(each, Apply) or each.operator is not Operator.EQ:
                return None
            look, wanted = each.operands
            is_look = isinstance(look, At) and look.place == expr.bound
            if not is_look or sought not in (None, wanted):
                return None
            sought = wanted
            named.add(look.field)  # type: ignore[union-attr]  # what is_look says
        assert isinstance(leaf, FifoType)
        is_record = isinstance(leaf.element, RecordType)
        return sought if is_record and named == {name for name, _ in leaf.fields} else None

    def unrolled(self, expr: Quantified) -> str | None:
        """A small conjunction or disjunction without a loop."""
        domain, known = expr.domain, self.locals.get(expr.bound.name)
        if isinstance(domain, Places):
            leaf = domain.variable.leaf
            assert isinstance(leaf, FifoType)
            values = range(leaf.capacity)
            length = f"len({self.cell(domain.variable, domain.index)})"
        else:
            values, length = range(domain.type.low, domain.type.high + 1), ""
        if len(values) > UNROLLED_MAX:
            return None
        is_all = expr.kind is QuantifierKind.ALL
        parts = []
        for value in values:
            self.locals[expr.bound.name] = f"({value})"
            body = self.text(expr.body)
            if length:
                beyond = f"{length} <= {value}" if is_all else f"{length} > {value}"
                body = f"({beyond} or {body})" if is_all else f"({beyond} and {body})"
            parts.append(body)
        if known is None:
            # the name is taken for good, so that the numbers of later locals stay distinct
            self.locals[expr.bound.name] = f"l{len(self.locals)}"
        else:
            self.locals[expr.bound.name] = known
        return self.apply(Operator.AND if is_all else Operator.OR, parts)


def _writes(statements: Iterable[Statement]) -> Iterator[Write]:
    for statement in statements:
        match statement:
            case Let() | Require() | Assert():
                continue
            case If(then=then, otherwise=otherwise):
                yield from _writes(then)
                yield from _writes(otherwise)
            case ForEach(body=body):
                yield from _writes(body)
            case _:
                yield statement
