"""IR expressions as TLA+ terms: booleans are TRUE and FALSE, everything else a number.

It decides how one expression reads, not where it stands. Sort elements and enum members are
numbers, because FIRST takes the least and queues are filled in that order; a member's number has a
name. Terms come out on one line and in parentheses wherever they are not atoms, so that no
alignment and no precedence rule of TLA+ can change what they mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kvcheck.export.tla_names import Names
from kvspec.lang.ir import (
    Apply,
    At,
    Domain,
    Expr,
    Has,
    Len,
    Literal,
    Local,
    Operator,
    Places,
    Quantified,
    QuantifierKind,
    Read,
    ReadConstant,
    SizeOf,
    Variable,
)
from kvspec.lang.types import (
    BoolType,
    EnumType,
    FifoType,
    IntType,
    RecordType,
    ScalarType,
    SetType,
    SizeTerm,
    SortType,
)

INFIX = {
    Operator.AND: "/\\",
    Operator.OR: "\\/",
    Operator.EQ: "=",
    Operator.LT: "<",
    Operator.LE: "<=",
    Operator.ADD: "+",
    Operator.SUB: "-",
}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the module's definitions are called: sizes, sorts' and enums' sets, constants, helpers.

    `types` maps a sort's or enum's name to its set; `members` an enum's name to its members' names;
    `sizes` a size's name (a sort's too) to the number's name.
    """

    names: Names
    sizes: Mapping[str, str]
    types: Mapping[str, str]
    members: Mapping[str, tuple[str, ...]]
    constants: Mapping[str, str]
    elements: str
    least: str
    total: str

    def literal(self, kind: ScalarType, value: int) -> str:
        """A value as TLA+ writes it."""
        match kind:
            case BoolType():
                return "TRUE" if value else "FALSE"
            case EnumType(name=name) if 0 <= value <= kind.high:
                return self.members[name][value]
            case _:
                return str(value) if value >= 0 else f"(-{-value})"

    def values(self, kind: ScalarType) -> str:
        """The set of a scalar type's values."""
        match kind:
            case BoolType():
                return "BOOLEAN"
            case EnumType(name=name) | SortType(name=name):
                return self.types[name]
            case IntType():
                low, high = (
                    self._bound(kind.low, kind.low_term),
                    self._bound(kind.high, kind.high_term),
                )
                return f"({low} .. {high})"

    def _bound(self, value: int, term: SizeTerm | None) -> str:
        if term is None or term.size not in self.sizes:
            return self.literal(IntType(value, value), value)
        name = self.sizes[term.size]
        if term.offset == 0:
            return name
        return f"({name} {'+' if term.offset > 0 else '-'} {abs(term.offset)})"

    def element_set(self, kind: ScalarType | RecordType) -> str:
        """The set of a queue element's values."""
        if isinstance(kind, RecordType):
            return "[" + ", ".join(f"{n} : {self.values(t)}" for n, t in kind.fields) + "]"
        return self.values(kind)

    def blank(self, variable: Variable, names: Names) -> str:
        """The value of a variable before `init` ran."""
        leaf = variable.leaf
        if isinstance(leaf, FifoType):
            text = "<<>>"
        elif isinstance(leaf, SetType):
            text = "{}"
        else:
            text = self.literal(leaf, min(max(0, leaf.low), leaf.high))
        for dim in reversed(variable.dims):
            text = f"[{names.fresh('i')} \\in {self.values(dim)} |-> {text}]"
        return text


class Terms:
    """Expressions of one action or property: `cells` and `locals` say what its names stand for.

    `cells` maps a variable to the text of its present value, which changes as statements run.
    """

    def __init__(self, vocabulary: Vocabulary, cells: dict[str, str], names: Names) -> None:
        self.vocabulary = vocabulary
        self.cells = cells
        self.names = names
        self.locals: dict[str, str] = {}

    def term(self, expr: Expr) -> str:
        """The expression, an atom or in parentheses."""
        match expr:
            case Literal(value=value, type=kind):
                return self.vocabulary.literal(kind, value)
            case SizeOf(size=size, value=value):
                return self.vocabulary.sizes.get(size, str(value))
            case Local(name=name):
                return self.locals[name]
            case Read(variable=variable, index=index):
                return self.cell(variable, index)
            case ReadConstant(constant=constant, index=index):
                return self.vocabulary.constants[constant.name] + self.brackets(index)
            case Len(variable=variable, index=index):
                function = "Cardinality" if isinstance(variable.leaf, SetType) else "Len"
                return f"{function}({self.cell(variable, index)})"
            case At():
                return self._at(expr)
            case Has():
                return f"({self.term(expr.element)} \\in {self._members(expr)})"
            case Apply():
                return self._apply(expr)
            case Quantified():
                return self._quantified(expr)

    def cell(self, variable: Variable, index: Sequence[Expr]) -> str:
        """The present value of one cell."""
        return self.cells[variable.name] + self.brackets(index)

    def brackets(self, index: Sequence[Expr]) -> str:
        """An index: maps over several types are functions that yield functions."""
        return "".join(f"[{self.term(i)}]" for i in index)

    def number(self, expr: Expr) -> str:
        """The expression as a number, also where the IR counts with a bool."""
        text = self.term(expr)
        return f"(IF {text} THEN 1 ELSE 0)" if isinstance(expr.type, BoolType) else text

    def truth(self, expr: Expr) -> str:
        """The expression as a truth value, also where the IR tests a number for not being 0."""
        text = self.term(expr)
        return f"({text} # 0)" if isinstance(expr.type, IntType) else text

    def domain(self, domain: Domain) -> str:
        """The set that a bound variable runs through."""
        if isinstance(domain, Places):
            return f"(0 .. (Len({self.cell(domain.variable, domain.index)}) - 1))"
        return self.vocabulary.values(domain.type)

    def _at(self, expr: At) -> str:
        queue = self.cell(expr.variable, expr.index)
        field = f".{expr.field}" if expr.field else ""
        if isinstance(expr.place, Literal):
            if expr.place.value == 0:
                return f"Head({queue}){field}"
            return f"{queue}[{expr.place.value + 1}]{field}"
        return f"{queue}[{self.number(expr.place)} + 1]{field}"

    def _members(self, expr: Has) -> str:
        cell = self.cell(expr.variable, expr.index)
        if isinstance(expr.variable.leaf, SetType):
            return cell
        return f"{self.vocabulary.elements}({cell})"

    def _apply(self, expr: Apply) -> str:
        operator, operands = expr.operator, expr.operands
        match operator:
            case Operator.NOT:
                return self._negated(operands[0])
            case Operator.ITE:
                condition = self.truth(operands[0])
                spell = self.number if isinstance(expr.type, IntType) else self.term
                then, otherwise = (spell(x) for x in operands[1:])
                return f"(IF {condition} THEN {then} ELSE {otherwise})"
            case Operator.AND | Operator.OR:
                if not operands:
                    return "TRUE" if operator is Operator.AND else "FALSE"
                if len(operands) == 1:
                    return self.truth(operands[0])
                return "(" + f" {INFIX[operator]} ".join(self.truth(x) for x in operands) + ")"
        if all(isinstance(x.type, BoolType) for x in operands) and operator is Operator.EQ:
            left, right = (self.term(x) for x in operands)
        else:
            left, right = (self.number(x) for x in operands)
        return f"({left} {INFIX[operator]} {right})"

    def _negated(self, operand: Expr) -> str:
        match operand:
            case Has():
                return f"({self.term(operand.element)} \\notin {self._members(operand)})"
            case Apply(operator=Operator.EQ, operands=(left, right)) if not (
                isinstance(left.type, BoolType) or isinstance(right.type, BoolType)
            ):
                return f"({self.term(left)} # {self.term(right)})"
            case _:
                return f"(~{self.truth(operand)})"

    def _quantified(self, expr: Quantified) -> str:
        domain = self.domain(expr.domain)
        outer = self.locals
        name = self.names.fresh(expr.bound.name)
        self.locals = {**outer, expr.bound.name: name}
        body = self.number(expr.body) if expr.kind is QuantifierKind.SUM else self.truth(expr.body)
        self.locals = outer
        self.names.release(name)
        match expr.kind:
            case QuantifierKind.ALL:
                return f"(\\A {name} \\in {domain} : {body})"
            case QuantifierKind.ANY:
                return f"(\\E {name} \\in {domain} : {body})"
            case QuantifierKind.COUNT:
                return f"Cardinality({{{name} \\in {domain} : {body}}})"
            case QuantifierKind.SUM:
                return f"{self.vocabulary.total}([{name} \\in {domain} |-> {body}])"
            case QuantifierKind.FIRST if isinstance(expr.bound.type, BoolType):
                return f"(LET {name} == FALSE IN ~{body})"
            case QuantifierKind.FIRST:
                moot = self.vocabulary.literal(expr.type, expr.type.low)
                return f"{self.vocabulary.least}({{{name} \\in {domain} : {body}}}, {moot})"
